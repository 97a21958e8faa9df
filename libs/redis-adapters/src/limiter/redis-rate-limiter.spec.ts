import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { checkTake, InsuredLimiter, type Rule } from '@redstart/ports';
import { describeRateLimiterContract, eventually } from '@redstart/ports/contracts';
import { type RedisConnection } from '../connection/redis-connection.js';
import { redisTestSettings, RedisUnderTest } from '../redis-under-test.js';
import { windowsKey } from './keys.js';
import { RedisRateLimiter } from './redis-rate-limiter.js';

let redis: RedisUnderTest;
beforeAll(async () => (redis = await RedisUnderTest.start()));
afterAll(() => redis.stop());

describeRateLimiterContract('redis', {
  async open() {
    const connections = [redis.connectSubject(), redis.connectOther()] as const;
    return {
      subject: new RedisRateLimiter(connections[0], redisTestSettings),
      other: new RedisRateLimiter(connections[1], redisTestSettings),
      // The server's clock is this machine's.
      nowMs: () => Date.now(),
      ...redis.troubles,
      closeSubject: () => connections[0].close(),
      close: () => redis.close(connections),
    };
  },
});

const rules: Rule[] = [
  { name: 'minute', limit: 2, windowMs: 60_000, algorithm: 'fixed' },
  { name: 'hour', limit: 5, windowMs: 3_600_000, algorithm: 'fixed' },
];

/** A connection that is closed also when the test fails: an open one would keep Jest from ending. */
const withConnection = (test: (connection: RedisConnection) => Promise<void>) => async () => {
  const connection = redis.connectOther();
  await test(connection).finally(() => connection.close());
};

it(
  'keeps one key a subject, until its last window ends, and writes nothing on a refusal',
  withConnection(async (connection) => {
    const limiter = new RedisRateLimiter(connection, redisTestSettings);
    const who = randomUUID();
    const { counter } = checkTake(who, rules);
    const read = () =>
      connection.command({ operation: 'test.read' }, (client) => client.getBuffer(windowsKey(who, counter)));
    await limiter.take(who, rules, { mode: 'peek' });
    expect(await read()).toBeNull();
    await limiter.take(who, rules, { cost: 2 });
    const before = await read();
    expect(before).toHaveLength(32);
    expect((await limiter.take(who, rules)).status).toBe('limited');
    expect(await read()).toEqual(before);
    const ttlMs = await connection.command({ operation: 'test.ttl' }, (client) =>
      client.pttl(windowsKey(who, counter)),
    );
    const hourLeftMs = 3_600_000 - (Date.now() % 3_600_000);
    expect(Math.abs(ttlMs - hourLeftMs)).toBeLessThan(1_000);
  }),
);

it(
  'is insured while Redis is killed, and shared again by itself',
  withConnection(async (connection) => {
    const limiter = new InsuredLimiter(new RedisRateLimiter(connection, redisTestSettings), {
      whenAway: { local: { replicas: 1 } },
      budgetMs: 200,
      breaker: { openMs: 50 },
      clock: redisTestSettings.clock,
    });
    const who = randomUUID();
    expect(await limiter.take(who, rules)).toMatchObject({ status: 'allowed', source: 'shared' });
    await redis.server.kill();
    expect(await limiter.take(who, rules)).toMatchObject({ status: 'allowed', source: 'local' });
    expect(await limiter.take(who, rules)).toMatchObject({ status: 'limited', source: 'local' });
    await redis.server.restart();
    await eventually(async () => {
      expect((await limiter.take(who, rules, { mode: 'peek' })).source).toBe('shared');
    });
  }),
);
