import { afterAll, beforeAll } from '@jest/globals';
import { DrivenEventStream } from '@redstart/ports';
import { describeStreamContract } from '@redstart/ports/contracts';
import { type RedisConnection } from '../connection/redis-connection.js';
import { redisTestSettings, RedisUnderTest } from '../redis-under-test.js';
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
