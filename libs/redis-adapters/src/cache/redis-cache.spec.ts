import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DrivenCache, jsonCodec, type Space } from '@redstart/ports';
import { describeCacheContract } from '@redstart/ports/contracts';
import { type RedisConnection } from '../connection/redis-connection.js';
import { redisTestSettings, RedisUnderTest } from '../redis-under-test.js';
import { fromEnvelope, toEnvelope } from './entry-envelope.js';
import { cacheKeys } from './keys.js';
import { RedisCacheDriver } from './redis-cache-driver.js';

const settings = { ...redisTestSettings, timeoutMs: 500 };

let redis: RedisUnderTest;
beforeAll(async () => (redis = await RedisUnderTest.start()));
afterAll(() => redis.stop());

describeCacheContract('redis', {
  async open() {
    const connections: RedisConnection[] = [];
    return {
      ...redis.troubles,
      ...settings,
      driver: () => {
        const connection = redis.connectSubject();
        connections.push(connection);
        return Object.assign(new RedisCacheDriver(connection, settings), { close: () => connection.close() });
      },
      close: () => redis.close(connections),
    };
  },
});

describe('RedisCacheDriver', () => {
  const space: Space<string> = {
    name: `space-${randomUUID()}`,
    codec: jsonCodec('text@1'),
    ttlMs: 20_000,
    graceMs: 40_000,
    negativeTtlMs: 5_000,
  };

  it('leaves no key without a TTL: an entry for freshness and grace, a lease for its time', async () => {
    const connection = redis.connectOther();
    const driver = new RedisCacheDriver(connection, settings);
    const cache = new DrivenCache(driver, { ...settings, jitter: 0 });
    const ttlOf = (key: string) => connection.command({ operation: 'test.ttl' }, (client) => client.pttl(key));
    await cache.set(space, 'k', 'v');
    await cache.getOrLoad(space, 'none', async () => undefined);
    const { version } = await driver.read({ space: space.name, key: 'k' });
    await driver.begin({ space: space.name, key: 'k' }, { token: 't', leaseMs: 9_000, version });
    const found = [
      await ttlOf(cacheKeys(space.name, 'k').entry),
      await ttlOf(cacheKeys(space.name, 'none').entry),
      await ttlOf(cacheKeys(space.name, 'k').lease),
      await ttlOf(cacheKeys(space.name, 'none').lease),
    ];
    await connection.close();
    for (const [index, ms] of [60_000, 5_000, 9_000].entries()) {
      expect(found[index]).toBeLessThanOrEqual(ms);
      expect(found[index]).toBeGreaterThan(ms - 3_000);
    }
    expect(found[3]).toBe(-2);
  });

  it('reads all keys of one tick with one command', async () => {
    const connection = redis.connectOther();
    const cache = new DrivenCache(new RedisCacheDriver(connection, settings), settings);
    const reads = async () =>
      Number((await redis.server.info('commandstats')).get('cmdstat_mget')?.match(/calls=(\d+)/)?.[1] ?? 0);
    await cache.set(space, 'k', 'v');
    const before = await reads();
    const found = await Promise.all(Array.from({ length: 200 }, () => cache.get(space, 'k')));
    const after = await reads();
    await connection.close();
    expect(found.every(({ from }) => from === 'hit')).toBe(true);
    expect(after - before).toBe(1);
  });

  it('takes for a miss what is no envelope of ours', async () => {
    const connection = redis.connectOther();
    const cache = new DrivenCache(new RedisCacheDriver(connection, settings), settings);
    for (const [index, text] of ['', 'v', 'x'.repeat(40), '0'.repeat(12), '0'.repeat(28), '\u0000ü'].entries()) {
      const { entry } = cacheKeys(space.name, `foreign-${index}`);
      await connection.command({ operation: 'test.set' }, (client) => client.set(entry, text, 'PX', 10_000));
      expect(await cache.get(space, `foreign-${index}`)).toMatchObject({ value: undefined, from: 'miss' });
      await cache.getOrLoad(space, `foreign-${index}`, async () => 'ours');
      expect(await cache.get(space, `foreign-${index}`)).toMatchObject({ value: 'ours', from: 'hit' });
    }
    await connection.close();
  });
});

describe('the envelope of an entry', () => {
  it('gives back what was put in, and never an age below 0', () => {
    const entry = { schema: 'größe@1', bytes: Uint8Array.of(0, 255, 10), freshMs: 1_500, keepMs: 9_000 };
    const envelope = Buffer.concat([Buffer.from('1795000000000'), toEnvelope(entry)]);
    const read = fromEnvelope(envelope, 1_795_000_000_250);
    expect({ ...read, bytes: [...(read?.bytes ?? [])] }).toEqual({
      schema: 'größe@1',
      bytes: [0, 255, 10],
      freshMs: 1_500,
      ageMs: 250,
    });
    expect(fromEnvelope(envelope, 1_794_999_999_000)?.ageMs).toBe(0);
  });

  it('refuses a schema that does not fit', () => {
    const entry = { schema: 's'.repeat(1_000), bytes: undefined, freshMs: 1, keepMs: 1 };
    expect(() => toEnvelope(entry)).toThrow(RangeError);
  });
});
