import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DrivenLock } from '@redstart/ports';
import { describeLockContract } from '@redstart/ports/contracts';
import { type RedisConnection } from '../connection/redis-connection.js';
import { redisTestSettings, RedisUnderTest } from '../redis-under-test.js';
import { lockKeys } from './keys.js';
import { RedisLockDriver } from './redis-lock-driver.js';

let redis: RedisUnderTest;
beforeAll(async () => (redis = await RedisUnderTest.start()));
afterAll(() => redis.stop());

describeLockContract('redis', {
  async open() {
    const connections = [redis.connectSubject(), redis.connectOther()] as const;
    const driver = new RedisLockDriver(connections[1], redisTestSettings);
    return {
      subject: new DrivenLock(new RedisLockDriver(connections[0], redisTestSettings), redisTestSettings),
      other: new DrivenLock(driver, redisTestSettings),
      driver,
      ...redis.troubles,
      closeSubject: () => connections[0].close(),
      close: () => redis.close(connections),
    };
  },
});

/** A connection that is closed also when the test fails: an open one would keep Jest from ending. */
const withConnection = (test: (connection: RedisConnection) => Promise<void>) => async () => {
  const connection = redis.connectOther();
  await test(connection).finally(() => connection.close());
};

it(
  'leaves no key without a TTL: the lease for its time, the fence for a day',
  withConnection(async (connection) => {
    const driver = new RedisLockDriver(connection, redisTestSettings);
    const resource = randomUUID();
    const ttlOf = (key: string) => connection.command({ operation: 'test.ttl' }, (client) => client.pttl(key));
    await driver.take(resource, 'token', 20_000);
    const { lease, fence } = lockKeys(resource);
    const [leaseMs, fenceMs] = [await ttlOf(lease), await ttlOf(fence)];
    await driver.release(resource, 'token');
    expect(leaseMs).toBeGreaterThan(15_000);
    expect(leaseMs).toBeLessThanOrEqual(20_000);
    expect(fenceMs).toBeGreaterThan(86_390_000);
    expect(fenceMs).toBeLessThanOrEqual(86_400_000);
    expect(await ttlOf(lease)).toBe(-2);
    expect(await ttlOf(fence)).toBeGreaterThan(86_390_000);
  }),
);

it(
  'takes leases of many resources in one script call',
  withConnection(async (connection) => {
    const driver = new RedisLockDriver(connection, redisTestSettings);
    const scripts = async () =>
      Number((await redis.server.info('commandstats')).get('cmdstat_evalsha')?.match(/calls=(\d+)/)?.[1]);
    await driver.take(randomUUID(), 'token', 1_000);
    const before = await scripts();
    const taken = await Promise.all(Array.from({ length: 200 }, () => driver.take(randomUUID(), 'token', 1_000)));
    expect(taken.every(({ status }) => status === 'taken')).toBe(true);
    expect((await scripts()) - before).toBe(1);
  }),
);
