import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DrivenEventStream, jsonCodec, type Stream } from '@redstart/ports';
import { describeStreamContract, eventually } from '@redstart/ports/contracts';
import { type RedisConnection } from '../connection/redis-connection.js';
import { redisTestSettings, RedisUnderTest } from '../redis-under-test.js';
import { groupKeys, memberKeys, partitionKeys } from './keys.js';
import { RedisStreamDriver } from './redis-stream-driver.js';

let redis: RedisUnderTest;
beforeAll(async () => (redis = await RedisUnderTest.start()));
afterAll(() => redis.stop());

describeStreamContract('redis', {
  async open() {
    const connections = [redis.connectSubject(), redis.connectOther()] as const;
    const subject = new DrivenEventStream(new RedisStreamDriver(connections[0]), redisTestSettings);
    const driver = new RedisStreamDriver(connections[1]);
    const other = new DrivenEventStream(driver, redisTestSettings);
    return {
      subject,
      other,
      driver,
      ...redis.troubles,
      sever: () => redis.sever(),
      snapshot: (stream) => snapshot(connections[1], stream.name),
      loseData: (stream) => loseKeys(connections[1], stream.name),
      closeSubject: () => subject.close(),
      async close() {
        await Promise.all([subject.close(), other.close()]);
        await redis.close(connections);
      },
    };
  },
});

describe('streams in Redis', () => {
  interface Note {
    id: string;
    subject: string;
  }

  const noteStream = (partitions: number): Stream<Note> => ({
    name: randomUUID(),
    codec: jsonCodec<Note>('note@1'),
    partitions,
    subject: (note) => note.subject,
    eventId: (note) => note.id,
    cap: { bytes: 1_000_000, ageMs: 3_600_000, when: 'refuse' },
  });
  const consume = { consumer: 'c', attempts: 1, takeoverMs: 15_000 };
  let connection: RedisConnection;
  let stream: DrivenEventStream;
  beforeEach(() => {
    connection = redis.connectOther();
    stream = new DrivenEventStream(new RedisStreamDriver(connection), redisTestSettings);
  });
  afterEach(async () => {
    await stream.close();
    await connection.close();
  });

  it('holds nothing of events that are handled and trimmed, and no key that keys.ts does not name', async () => {
    const notes = noteStream(1);
    const events = Array.from({ length: 300 }, (_, n) => ({ id: `${n}`, subject: `s-${n % 7}` }));
    await stream.append(notes, events);
    const consumer = stream.consume(
      notes,
      'g',
      async ({ subject }) => (subject === 's-0' ? { park: 'x' } : 'done'),
      consume,
    );
    await eventually(async () => {
      expect(await stream.groups(notes)).toMatchObject([{ lag: 0, pending: 0, parked: 43 }]);
    });
    await stream.resume(notes, 'g', 's-0');
    await eventually(async () => expect(await stream.parked(notes, 'g', { limit: 99 })).toHaveLength(43));
    const sound = stream.consume(notes, 'g', async () => 'done', { ...consume, consumer: 'd' });
    await consumer.stop({ deadlineMs: 1_000 });
    await eventually(() => expect(sound.owned.size).toBe(1));
    await stream.resume(notes, 'g', 's-0');
    await eventually(async () => expect(await stream.groups(notes)).toMatchObject([{ parked: 0, pending: 0 }]));
    expect(await stream.trim(notes, { keep: 0 })).toBe(300);

    const found = await connection.command({ operation: 'test.keys' }, (client) => client.keys(`*${notes.name}*`));
    const { log, meta, groups } = partitionKeys(notes.name, 0);
    const { state } = groupKeys(notes.name, 0, 'g');
    const { members } = memberKeys(notes.name, 'g');
    expect(found.sort()).toEqual([log, meta, groups, state, members].sort());
    const size = await connection.command({ operation: 'test.size' }, (client) => client.xlen(log));
    expect(size).toBe(0);
    const fields = await connection.command({ operation: 'test.meta' }, (client) => client.hgetall(meta));
    expect(fields).toMatchObject({ first: '301', last: '300', bytes: '0' });
    const counts = await connection.command({ operation: 'test.state' }, (client) => client.hgetall(state));
    expect(counts).toMatchObject({ parked: '0', parkedBytes: '0' });
    const ttlMs = await connection.command({ operation: 'test.ttl' }, (client) => client.pttl(members));
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThanOrEqual(consume.takeoverMs);
  });

  it('leaves the server in peace while there is nothing to do', async () => {
    const notes = noteStream(16);
    const consumer = stream.consume(notes, 'g', async () => 'done', consume);
    await eventually(() => expect(consumer.owned.size).toBe(16));
    const commands = async () => Number((await redis.server.info('stats')).get('total_commands_processed'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = await commands();
    // Real time: it is a rate that is measured, and a busy machine only lowers it.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(((await commands()) - before) / 2).toBeLessThan(100);
  });
});

/** Its own keys only, and in one step, as FLUSHALL is one. The end of the name is unique and needs no encoding. */
async function loseKeys(connection: RedisConnection, stream: string): Promise<void> {
  const script = "local keys = redis.call('KEYS', ARGV[1]) if #keys > 0 then redis.call('DEL', unpack(keys)) end";
  await connection.command({ operation: 'test.lose' }, (client) => client.eval(script, 0, `*${stream.slice(-36)}*`));
}

async function snapshot(connection: RedisConnection, stream: string): Promise<() => Promise<void>> {
  const operation = 'test.snapshot';
  const keys = await connection.command({ operation }, (client) => client.keys(`*${stream.slice(-36)}*`));
  const dumps = await Promise.all(
    keys.map((key) => connection.command({ operation }, (client) => client.dumpBuffer(key))),
  );
  const restore = `
    for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end
    for i = 1, #KEYS do redis.call('RESTORE', KEYS[i], 0, ARGV[i + 1]) end`;
  return async () => {
    await connection.command({ operation }, (client) =>
      client.eval(restore, keys.length, ...keys, `*${stream.slice(-36)}*`, ...(dumps as Buffer[])),
    );
  };
}
