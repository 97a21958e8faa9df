import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { networkInterfaces } from 'node:os';
import { redisCommand } from './redis-command.js';
import { startRedis, type RedisOptions, type RedisServer } from './redis-server.js';
import { sharedRedis } from './shared-redis.js';

// Starting servers on a busy machine takes its time.
jest.setTimeout(60_000);

const started: RedisServer[] = [];
async function redis(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  started.push(server);
  return server;
}

describe('startRedis', () => {
  afterEach(async () => {
    for (const server of started.splice(0)) await server.stop();
  });

  it('starts several servers at once, each with its own data', async () => {
    const [one, two] = await Promise.all([redis(), redis()]);
    await redisCommand(one.url, ['SET', 'a', '1']);
    expect(await redisCommand(two.url, ['GET', 'a'])).toBe('');
    expect(one.port).not.toBe(two.port);
  });

  it('answers on the loopback interface and on no other', async () => {
    const server = await redis();
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of others) {
      await expect(redisCommand(`redis://${address}:${server.port}`, ['PING'])).rejects.toThrow(/ECONNREFUSED/);
    }
  });

  it('pauses without breaking connections, and resumes', async () => {
    const server = await redis();
    await server.pause();
    await expect(redisCommand(server.url, ['PING'], 150)).rejects.toThrow(/No reply/);
    await server.resume();
    expect(await redisCommand(server.url, ['PING'])).toBe('PONG');
  });

  it('kills at once: nothing answers, and after the restart nothing is left', async () => {
    const server = await redis();
    await redisCommand(server.url, ['SET', 'a', '1']);
    await server.kill();
    expect(server.pid).toBe(0);
    await expect(redisCommand(server.url, ['PING'])).rejects.toThrow(/ECONNREFUSED/);
    await server.restart();
    expect(await redisCommand(server.url, ['GET', 'a'])).toBe('');
  });

  it('keeps what was acknowledged over kill and restart with appendonly', async () => {
    const server = await redis({ appendonly: true });
    await redisCommand(server.url, ['SET', 'a', '1']);
    await server.kill();
    await server.restart();
    expect(await redisCommand(server.url, ['GET', 'a'])).toBe('1');
  });

  it('can be stopped and killed while it is paused', async () => {
    const [one, two] = await Promise.all([redis(), redis()]);
    await one.pause();
    await two.pause();
    await one.stop();
    await two.kill();
    await expect(redisCommand(one.url, ['PING'])).rejects.toThrow(/ECONNREFUSED/);
    await expect(redisCommand(two.url, ['PING'])).rejects.toThrow(/ECONNREFUSED/);
  });

  it('refuses writes when it is full', async () => {
    const server = await redis({ maxmemory: '3mb' });
    const value = 'x'.repeat(512 * 1024);
    const fill = async () => {
      for (let i = 0; i < 20; i++) await redisCommand(server.url, ['SET', `k${i}`, value]);
    };
    await expect(fill()).rejects.toThrow(/OOM/);
  });

  it('takes more arguments, forgets all on flushAll', async () => {
    const server = await redis({ args: ['--databases', '3'] });
    await expect(redisCommand(server.url, ['SELECT', '3'])).rejects.toThrow(/out of range/);
    await redisCommand(server.url, ['SET', 'a', '1']);
    await server.flushAll();
    expect(await redisCommand(server.url, ['DBSIZE'])).toBe('0');
  });
});

describe('sharedRedis', () => {
  const before = process.env.REDIS_URL;
  afterAll(() => {
    if (before === undefined) delete process.env.REDIS_URL;
    else process.env.REDIS_URL = before;
  });

  it('gives the same server to all who ask in this process', async () => {
    const urls = await Promise.all([sharedRedis(), sharedRedis()]);
    expect(urls[0]).toBe(urls[1]);
    expect(await redisCommand(urls[0] ?? '', ['PING'])).toBe('PONG');
  });
});
