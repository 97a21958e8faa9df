import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MemoryBackend } from '@redstart/memory-adapters';
import { openAdapters } from '@redstart/redis-adapters';
import { SystemClock, type Adapters, type EventStream } from '@redstart/ports';
import { createDatabase, startRedis, type RedisServer, type TestDatabase } from '@redstart/test-servers';
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { sql } from 'kysely';
import { orderEvent, orderStream } from '../../test/order-stream.js';
import { openDatabase, type Database } from '../database/database.js';
import { startOutboxRelay, type RelaySettings, type RunningRelay } from './outbox-relay.js';
import { outboxTables } from './outbox-tables.js';
import { Outbox, type OutboxEvent } from './outbox.js';

jest.setTimeout(60_000);

let server: TestDatabase;
let database: Database<unknown>;
let outbox: Outbox<OutboxEvent>;
let relays: RunningRelay[];
let hooked: OutboxEvent[];

beforeEach(async () => {
  server = await createDatabase();
  database = openDatabase({ url: server.url, schema: 'streams_test', poolSize: 20 });
  await database.migrate({ parts: [outboxTables] });
  outbox = new Outbox({ database, stream: orderStream });
  relays = [];
  hooked = [];
});

afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop({ deadlineMs: 2000 })));
  await database.close();
  await server.drop();
});

function start(target: EventStream, settings: Partial<RelaySettings<OutboxEvent>> = {}): RunningRelay {
  const relay = startOutboxRelay<OutboxEvent>({
    outbox,
    target,
    leaseMs: 500,
    checkMs: 200,
    pollMs: 200,
    afterAppend: async (rows) => void hooked.push(...rows.map(({ event }) => event)),
    onFault: () => undefined,
    ...settings,
  });
  relays.push(relay);
  return relay;
}

const subjects = (count: number) => Array.from({ length: count }, () => randomUUID());
const write = (...events: OutboxEvent[]) =>
  database.unitOfWork.run((tx) =>
    outbox.write(
      tx,
      events.map((event) => ({ event, settles: false })),
    ),
  );

async function inStream(stream: EventStream): Promise<Record<string, number[]>> {
  const sequences: Record<string, number[]> = {};
  for (let partition = 0; partition < orderStream.partitions; partition += 1) {
    for await (const entry of stream.read(orderStream, { partition })) {
      if ('event' in entry) (sequences[entry.event.subject] ??= []).push(entry.event.sequence);
    }
  }
  return sequences;
}

async function eventually(check: () => void | Promise<void>, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Writes three events of each subject, one transaction each, and troubles the stream when a third is written. */
async function writeThrough(all: readonly string[], trouble: () => Promise<unknown>): Promise<void> {
  for (const [index, subject] of all.entries()) {
    for (const sequence of [1, 2, 3]) await write(orderEvent(subject, sequence));
    if (index === Math.floor(all.length / 3)) await trouble();
  }
}

const wholeLives = (all: readonly string[]) => Object.fromEntries(all.map((subject) => [subject, [1, 2, 3]]));

describe('the outbox relay on the embedded stream', () => {
  it('brings every event over in order, and again to a stream that began anew, as after a restart', async () => {
    const clock = new SystemClock();
    const open = () => new MemoryBackend(clock).open({ clock, timeoutMs: 1000 });
    const [first, second] = [open(), open()];
    const all = subjects(10);
    const before = start(first.stream);
    await writeThrough(all, async () => undefined);
    await eventually(async () => expect(await inStream(first.stream)).toEqual(wholeLives(all)));
    await eventually(() => expect(hooked).toHaveLength(30));
    await before.stop({ deadlineMs: 1000 });

    hooked = [];
    start(second.stream);
    await eventually(async () => expect(await inStream(second.stream)).toEqual(wholeLives(all)));
    await eventually(() => expect(hooked).toHaveLength(30));
    await Promise.all([first.close(), second.close()]);
  });
});

describe('the outbox relay on Redis', () => {
  let redis: RedisServer;
  let adapters: Adapters;
  let stream: EventStream;

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  beforeEach(() => {
    adapters = openAdapters({ url: redis.url, timeoutMs: 500, clock: new SystemClock() });
    stream = adapters.stream;
  });
  afterEach(async () => {
    // The relays end before the connections that they use.
    await Promise.all(relays.map((relay) => relay.stop({ deadlineMs: 2000 })));
    await redis.flushAll();
    await adapters.close();
  });

  it('brings every event over in order, with several relays', async () => {
    start(stream);
    start(stream);
    const all = subjects(30);
    await Promise.all(all.map((subject) => writeThrough([subject], async () => undefined)));
    await eventually(async () => expect(await inStream(stream)).toEqual(wholeLives(all)));
  });

  it('heals a FLUSHALL in mid-run, also of what was handed on', async () => {
    start(stream);
    const all = subjects(30);
    await writeThrough(all, async () => {
      await eventually(() => expect(hooked.length).toBeGreaterThan(0));
      hooked = [];
      await redis.flushAll();
    });
    await eventually(async () => expect(await inStream(stream)).toEqual(wholeLives(all)));
    await eventually(() => expect(new Set(hooked.map(({ id }) => id)).size).toBe(90));
  });

  it('heals a FLUSHALL while nothing is written', async () => {
    start(stream);
    const all = subjects(10);
    await writeThrough(all, async () => undefined);
    await eventually(async () => expect(await inStream(stream)).toEqual(wholeLives(all)));
    await redis.flushAll();
    expect(await inStream(stream)).toEqual({});
    await eventually(async () => expect(await inStream(stream)).toEqual(wholeLives(all)));
  });

  it('goes on by itself after Redis was paused, and after it was killed with all it held', async () => {
    start(stream);
    const all = subjects(12);
    await writeThrough(all.slice(0, 6), () => redis.pause());
    await redis.resume();
    await eventually(async () => expect(await inStream(stream)).toEqual(wholeLives(all.slice(0, 6))));
    await writeThrough(all.slice(6), () => redis.kill());
    await redis.restart();
    await eventually(async () => expect(await inStream(stream)).toEqual(wholeLives(all)), 30_000);
  });

  it('lets a relay stopped by SIGSTOP between reading and appending neither reorder nor repeat', async () => {
    const child = startProcess();
    try {
      await child.says('owns');
      const subject = randomUUID();
      await write(orderEvent(subject, 1), orderEvent(subject, 2));
      await child.says('stopping');
      start(stream, { name: 'heir' });
      await eventually(async () => expect(await inStream(stream)).toEqual({ [subject]: [1, 2] }));
      await write(orderEvent(subject, 3));
      await eventually(async () => expect(await inStream(stream)).toEqual({ [subject]: [1, 2, 3] }));
      child.process.kill('SIGCONT');
      expect(await child.says('resumed')).toMatchObject({ answer: { status: 'appended', written: 0, duplicates: 2 } });
      await write(orderEvent(subject, 4));
      await eventually(async () => expect(await inStream(stream)).toEqual({ [subject]: [1, 2, 3, 4] }));
    } finally {
      child.process.kill('SIGKILL');
    }
  });

  it('has an event of a killed commit exactly when the commit was', async () => {
    start(stream);
    const admin = new Client({ connectionString: server.url });
    await admin.connect();
    const all = subjects(40);
    // Backends die while units of work commit, each with an order's row beside its event.
    await sql`create table placed (id text primary key)`.execute(database.db);
    const busy = "application_name = 'streams_test' and state <> 'idle' and query not ilike '%outbox_%'";
    let over = false;
    const killing = (async () => {
      while (!over) await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${busy} limit 1`);
    })();
    const outcomes = await Promise.allSettled(
      all.map((subject) =>
        database.unitOfWork.run(async (tx) => {
          await sql`insert into placed values (${subject})`.execute(tx);
          await sql`select pg_sleep(random() * 0.02)`.execute(tx);
          await outbox.write(tx, [{ event: orderEvent(subject, 1), settles: false }]);
        }),
      ),
    );
    over = true;
    await killing;
    await admin.end();
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['fulfilled', 'rejected']));
    const { rows } = await sql<{ id: string }>`select id from placed`.execute(database.db);
    const placed = Object.fromEntries(rows.map(({ id }) => [id, [1]]));
    await eventually(async () => expect(await inStream(stream)).toEqual(placed));
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') expect(placed).toHaveProperty(all[index]!);
      else if (outcome.reason.effect === 'none') expect(placed).not.toHaveProperty(all[index]!);
    }
  });

  function startProcess() {
    const file = new URL('../../test/relay-process.ts', import.meta.url);
    const child: ChildProcess = fork(file, {
      env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: server.url, REDIS_URL: redis.url },
      execArgv: ['-C', '@redstart/source', '--import', '@swc-node/register/esm-register'],
      cwd: new URL('../../', import.meta.url),
    });
    const said: { said: string; answer?: unknown }[] = [];
    child.on('message', (message) => said.push(message as { said: string }));
    const says = async (word: string) => {
      await eventually(() => expect(said).toContainEqual(expect.objectContaining({ said: word })), 30_000);
      return said.find((message) => message.said === word);
    };
    return { process: child, says };
  }
});
