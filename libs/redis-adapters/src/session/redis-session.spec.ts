import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DrivenSessionStore } from '@redstart/ports';
import { describeSessionContract, eventually, RecordsUnderTest } from '@redstart/ports/contracts';
import { redisTestSettings, RedisUnderTest } from '../redis-under-test.js';
import { sessionKeys, userKeys } from './keys.js';
import { RedisSessionDriver } from './redis-session-driver.js';

const settings = { ...redisTestSettings, timeoutMs: 500 };

let redis: RedisUnderTest;
beforeAll(async () => (redis = await RedisUnderTest.start()));
afterAll(() => redis.stop());

/** All keys of a user: found by the tag, which no other test has. */
async function keysOf(connection: ReturnType<RedisUnderTest['connectOther']>, userId: string): Promise<string[]> {
  const tagged = userKeys(userId)
    .generation.replace(/generation$/, '*')
    .replace(/[[\]?\\]/g, '\\$&');
  return connection.command({ operation: 'test.keys' }, (client) => client.keys(tagged));
}

describeSessionContract('redis', {
  async open() {
    const connections = [redis.connectSubject(), redis.connectOther()] as const;
    return {
      ...redis.troubles,
      ...settings,
      subject: new RedisSessionDriver(connections[0], settings),
      other: new RedisSessionDriver(connections[1], settings),
      sever: () => redis.sever(),
      forget: async (userId) => {
        const keys = await keysOf(connections[1], userId);
        if (keys.length > 0) await connections[1].command({ operation: 'test.forget' }, (client) => client.del(keys));
      },
      closeSubject: () => connections[0].close(),
      close: () => redis.close(connections),
    };
  },
});

describe('RedisSessionDriver', () => {
  const login = { data: {}, device: 'test', idleMs: 10_000, absoluteMs: 100_000 };

  it('leaves no key without a TTL, and no secret anywhere', async () => {
    const connection = redis.connectOther();
    const records = new RecordsUnderTest(settings.clock);
    const store = new DrivenSessionStore({
      driver: new RedisSessionDriver(connection, settings),
      records,
      ...settings,
    });
    const userId = randomUUID();
    const run = <T>(name: string, ...args: string[]) =>
      connection.command({ operation: 'test.look' }, (client) => client.call(name, ...args) as Promise<T>);
    const ttls = async () => {
      const keys = await keysOf(connection, userId);
      return Promise.all(keys.map((key) => run<number>('PTTL', key)));
    };
    await store.read(`${userId}.${'A'.repeat(43)}`);
    const [preparedMs, ...none] = await ttls();
    expect(none).toEqual([]);
    expect(preparedMs).toBeGreaterThan(50_000);
    expect(preparedMs).toBeLessThanOrEqual(60_000);

    const { token } = await store.create(userId, login);
    const { token: ended } = await store.create(userId, login);
    await store.revoke(ended);
    await store.read(token);
    await store.revokeAll(userId);
    const left = await ttls();
    expect(left).toHaveLength(3);
    for (const ms of left) {
      expect(ms).toBeGreaterThan(90_000);
      expect(ms).toBeLessThanOrEqual(100_000);
    }
    const secret = token.slice(userId.length + 1);
    const tokenHash = createHash('sha256').update(secret).digest('hex');
    const { entry } = sessionKeys(userId, tokenHash);
    const all = JSON.stringify([await keysOf(connection, userId), await run('HGETALL', entry)]);
    expect(all).toContain(tokenHash);
    expect(all).not.toContain(secret);
    store.close();
    await connection.close();
  });

  it('is not trusted after a cut that no call has noticed', async () => {
    const connection = redis.connectSubject();
    const records = new RecordsUnderTest(settings.clock);
    const driver = new RedisSessionDriver(connection, settings);
    const store = new DrivenSessionStore({ driver, records, ...settings });
    const userId = randomUUID();
    const { token } = await store.create(userId, login);
    await store.read(token);
    expect(records.finds).toBe(0);
    const before = driver.interruptions;
    const restore = await redis.sever();
    await records.revokeAll(userId);
    await restore();
    await eventually(() => expect(driver.interruptions).toBeGreaterThan(before));
    expect(await store.read(token)).toEqual({ status: 'none' });
    store.close();
    await redis.close([connection]);
  });
});
