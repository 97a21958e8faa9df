import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jsonCodec, SystemClock } from '@redstart/ports';
import { describeAdaptersContract, eventually } from '@redstart/ports/contracts';
import { type Proxy, type RedisServer, sharedRedis, startProxy, startRedis } from '@redstart/test-servers';
import { openAdapters } from './open-adapters.js';

const settings = { timeoutMs: 500, clock: new SystemClock() };

describeAdaptersContract('redis', {
  open: async () => {
    const url = await sharedRedis();
    const subject = openAdapters({ url, ...settings });
    const other = openAdapters({ url, ...settings });
    return {
      subject,
      other,
      close: async () => {
        await Promise.all([subject.close(), other.close()]);
      },
    };
  },
});

describe('openAdapters on redis', () => {
  let server: RedisServer;
  let proxy: Proxy;
  let cacheProxy: Proxy;

  beforeAll(async () => {
    server = await startRedis();
    proxy = await startProxy(server.url);
    cacheProxy = await startProxy(server.url);
  });

  afterAll(async () => {
    await proxy?.close();
    await cacheProxy?.close();
    await server?.stop();
  });

  it('connects when it is first asked, and holds two connections for any number of workers and consumers', async () => {
    const adapters = openAdapters({ url: proxy.url, ...settings });
    expect(proxy.connections()).toBe(0);
    const codec = jsonCodec<string>('text@1');
    const handled: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const queue = {
        name: randomUUID(),
        codec,
        shards: 2,
        leaseMs: 5_000,
        attempts: 3,
        backoff: { firstMs: 10, maxMs: 100, jitter: 1 },
        dedupeMs: 60_000,
        keepDead: { count: 10, ageMs: 60_000 },
        maxBytes: 100_000,
      };
      const stream = {
        name: randomUUID(),
        codec,
        partitions: 16,
        subject: (event: string) => event,
        eventId: (event: string) => event,
        cap: { bytes: 1_000_000, ageMs: 60_000, when: 'refuse' as const },
      };
      adapters.queue.work(
        queue,
        async ({ payload }) => {
          handled.push(payload);
          return 'done';
        },
        { concurrency: 4 },
      );
      for (const group of ['mails', 'boards']) {
        adapters.stream.consume(
          stream,
          group,
          async ({ event }) => {
            handled.push(event);
            return 'done';
          },
          { consumer: randomUUID(), attempts: 3, takeoverMs: 2_000 },
        );
      }
      await adapters.queue.enqueue(queue, [{ payload: 'task' }]);
      await adapters.stream.append(stream, ['event']);
    }
    await eventually(() => expect(handled).toHaveLength(15), { withinMs: 10_000 });
    expect(proxy.connections()).toBe(2);
    await adapters.close();
    await eventually(() => expect(proxy.connections()).toBe(0));
  }, 20_000);

  it('names the ports whose server does not answer, and none once it does', async () => {
    const adapters = openAdapters({ url: proxy.url, cacheUrl: cacheProxy.url, ...settings });
    try {
      expect(await adapters.degraded()).toEqual([]);
      cacheProxy.silence();
      expect(await adapters.degraded()).toEqual(['cache']);
      cacheProxy.pass();
      proxy.refuse();
      proxy.cutAll();
      await eventually(async () =>
        expect(await adapters.degraded()).toEqual(['lock', 'queue', 'stream', 'session', 'limiter', 'leaderboard']),
      );
      proxy.pass();
      await eventually(async () => expect(await adapters.degraded()).toEqual([]), { withinMs: 10_000 });
    } finally {
      proxy.pass();
      cacheProxy.pass();
      await adapters.close();
    }
  }, 20_000);

  it('keeps the cache on its own server', async () => {
    const adapters = openAdapters({ url: proxy.url, cacheUrl: cacheProxy.url, ...settings });
    const space = { name: randomUUID(), codec: jsonCodec<number>('number@1'), ttlMs: 1_000, graceMs: 0 };
    await adapters.cache.set(space, 'one', 1);
    expect([proxy.connections(), cacheProxy.connections()]).toEqual([0, 1]);
    await adapters.close();
  });

  it('opens while there is no server, and names the setting of a URL that it does not understand', async () => {
    const adapters = openAdapters({ url: 'redis://127.0.0.1:1', ...settings });
    expect(await adapters.degraded()).toHaveLength(7);
    await adapters.close();
    expect(() => openAdapters({ url: 'redis-sentinel://host/mymaster', ...settings })).toThrow(/^REDIS_URL: /);
    expect(() => openAdapters({ url: proxy.url, cacheUrl: 'rediss://host', ...settings })).toThrow(
      /^CACHE_REDIS_URL: /,
    );
  });
});
