import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it, jest } from '@jest/globals';
import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { createDatabase, type TestDatabase } from './postgres/test-database.js';
import { startProxy, type Proxy } from './proxy.js';
import { redisCommand } from './redis/redis-command.js';
import { startRedis, type RedisServer } from './redis/redis-server.js';

// Starting servers on a busy machine takes its time.
jest.setTimeout(60_000);

/** One connection on which a test can ask again and again. */
class RawConnection {
  readonly received: string[] = [];
  closed = false;
  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes) => this.received.push(bytes.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  static open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port) }, () => resolve(new RawConnection(socket)));
      socket.once('error', reject);
    });
  }

  send(inline: string): void {
    this.socket.write(`${inline}\r\n`);
  }
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('It did not come to hold within 5 s.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('startProxy in front of Redis', () => {
  let redis: RedisServer;
  let proxy: Proxy;

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    await redis.flushAll();
    proxy = await startProxy(redis.url);
  });
  afterEach(() => proxy.close());

  const executed = (key: string) => redisCommand(redis.url, ['GET', key]);

  it('passes commands and replies on', async () => {
    expect(await redisCommand(proxy.url, ['SET', 'a', '1'])).toBe('OK');
    expect(await executed('a')).toBe('1');
  });

  it('lets the command be executed and cuts the connection before its reply', async () => {
    proxy.cutReplies(1);
    await expect(redisCommand(proxy.url, ['INCR', 'n'])).rejects.toThrow(/closed|reset/i);
    expect(await executed('n')).toBe('1');
    expect(proxy.cutsLeft()).toBe(0);
    expect(await redisCommand(proxy.url, ['INCR', 'n'])).toBe('2');
  });

  it('cuts only replies to the requests that match', async () => {
    proxy.cutReplies(1, { matching: /INCR/ });
    const connection = await RawConnection.open(proxy.url);
    connection.send('PING');
    await eventually(() => connection.received.join('') === '+PONG\r\n');
    connection.send('INCR n');
    await eventually(() => connection.closed);
    expect(connection.received.join('')).toBe('+PONG\r\n');
    expect(await executed('n')).toBe('1');
  });

  it('does not take a NOSCRIPT reply for an executed command', async () => {
    const source = "return redis.call('incr', 'n')";
    const sha = await redisCommand(redis.url, ['SCRIPT', 'LOAD', source]);
    await redisCommand(redis.url, ['SCRIPT', 'FLUSH']);
    proxy.cutReplies(1, { matching: /EVAL/ });
    await expect(redisCommand(proxy.url, ['EVALSHA', sha, '0'])).rejects.toThrow(/NOSCRIPT/);
    await expect(redisCommand(proxy.url, ['EVAL', source, '0'])).rejects.toThrow(/closed|reset/i);
    expect(await executed('n')).toBe('1');
  });

  it('is silent and keeps connections open, and passes on what it held', async () => {
    const connection = await RawConnection.open(proxy.url);
    connection.send('PING');
    await eventually(() => connection.received.length === 1);
    proxy.silence();
    connection.send('SET a 1');
    await expect(redisCommand(proxy.url, ['PING'], 100)).rejects.toThrow(/No reply/);
    expect(await executed('a')).toBe('');
    expect(connection.closed).toBe(false);
    proxy.pass();
    await eventually(() => connection.received.join('') === '+PONG\r\n+OK\r\n');
    expect(await executed('a')).toBe('1');
  });

  it('can be silent in replies alone: the command is executed', async () => {
    proxy.silence('replies');
    await expect(redisCommand(proxy.url, ['SET', 'a', '1'], 100)).rejects.toThrow(/No reply/);
    expect(await executed('a')).toBe('1');
  });

  it('delays replies and keeps their order', async () => {
    const connection = await RawConnection.open(proxy.url);
    connection.send('ECHO warm');
    await eventually(() => connection.received.length === 1);
    proxy.delay(150);
    const began = Date.now();
    connection.send('ECHO first');
    await new Promise((resolve) => setTimeout(resolve, 20));
    connection.send('ECHO second');
    await eventually(() => connection.received.join('').includes('second'));
    expect(Date.now() - began).toBeGreaterThanOrEqual(145);
    expect(connection.received.join('')).toMatch(/first[^]*second/);
  });

  it('breaks all connections, and counts those that are open', async () => {
    const connections = await Promise.all([RawConnection.open(proxy.url), RawConnection.open(proxy.url)]);
    await eventually(() => proxy.connections() === 2);
    proxy.cutAll();
    await eventually(() => connections.every(({ closed }) => closed));
    await eventually(() => proxy.connections() === 0);
    expect(await redisCommand(proxy.url, ['PING'])).toBe('PONG');
  });

  it('refuses new connections until it passes again', async () => {
    proxy.refuse();
    await expect(redisCommand(proxy.url, ['PING'])).rejects.toThrow(/closed|reset/i);
    proxy.pass();
    expect(await redisCommand(proxy.url, ['PING'])).toBe('PONG');
  });
});

describe('startProxy in front of PostgreSQL', () => {
  let database: TestDatabase;
  let proxy: Proxy;

  beforeAll(async () => {
    database = await createDatabase();
    proxy = await startProxy(database.url);
  });
  afterAll(async () => {
    await proxy.close();
    await database.drop();
  });

  it('lets a commit happen and cuts before its reply', async () => {
    const client = new pg.Client(proxy.url);
    client.on('error', () => undefined);
    await client.connect();
    await client.query('create table t (n int)');
    await client.query('begin');
    await client.query('insert into t values (1)');
    proxy.cutReplies(1, { matching: /commit/i });
    await expect(client.query('commit')).rejects.toThrow();
    await client.end().catch(() => undefined);
    const reader = new pg.Client(database.url);
    await reader.connect();
    const { rows } = await reader.query('select n from t');
    await reader.end();
    expect(rows).toEqual([{ n: 1 }]);
  });
});
