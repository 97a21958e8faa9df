import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { SystemClock } from '@redstart/ports';
import { eventually } from '@redstart/ports/contracts';
import { type Proxy, type RedisServer, startProxy, startRedis } from '@redstart/test-servers';
import { countScript, shrinkScript } from '../script/count.fixture.js';
import { RedisConnection, type RedisConnectionSettings } from './redis-connection.js';

const opened: RedisConnection[] = [];

function connectTo(url: string, settings: Partial<RedisConnectionSettings> = {}): RedisConnection {
  const connection = new RedisConnection({ url, timeoutMs: 500, clock: new SystemClock(), ...settings });
  opened.push(connection);
  return connection;
}

const get = (connection: RedisConnection, key: string) =>
  connection.command({ operation: 'test.get', idempotent: true }, (redis) => redis.get(key));
const increment = (connection: RedisConnection, key: string) =>
  connection.command({ operation: 'test.increment' }, (redis) => redis.incr(key));
const count = (connection: RedisConnection, key: string, options: { idempotent?: boolean } = {}) =>
  connection.run(countScript, { counter: key }, { by: 1 }, { operation: 'test.count', ...options });

afterEach(async () => {
  await Promise.all(opened.splice(0).map((connection) => connection.close()));
});

describe('RedisConnection', () => {
  let server: RedisServer;
  let proxy: Proxy;

  beforeAll(async () => {
    server = await startRedis();
    proxy = await startProxy(server.url);
  });

  afterEach(() => proxy.pass());

  afterAll(async () => {
    await proxy?.close();
    await server?.stop();
  });

  it('connects at the first call, once for any number of callers', async () => {
    const connection = connectTo(proxy.url);
    expect(connection.state).toBe('idle');
    expect(proxy.connections()).toBe(0);
    await Promise.all(Array.from({ length: 20 }, () => get(connection, 'absent')));
    expect(connection.state).toBe('ready');
    expect(proxy.connections()).toBe(1);
  });

  it('holds one more connection for all that it listens to', async () => {
    const connection = connectTo(proxy.url);
    await connection.ping();
    const subscriptions = Array.from({ length: 5 }, () => connection.subscribe(randomUUID(), () => undefined));
    await Promise.all(subscriptions.map(({ confirmed }) => confirmed));
    expect(proxy.connections()).toBe(2);
  });

  it('runs a script that the server does not know, and again after it was made to forget', async () => {
    const connection = connectTo(server.url);
    const key = randomUUID();
    await connection.command({ operation: 'test.flush' }, (redis) => redis.script('FLUSH'));
    expect(await count(connection, key)).toBe(1);
    await connection.command({ operation: 'test.flush' }, (redis) => redis.script('FLUSH'));
    expect(await Promise.all([count(connection, key), count(connection, key)])).toEqual([2, 3]);
  });

  it('runs each script of a pipeline once, in order, though the server forgets them between two', async () => {
    const connection = connectTo(server.url);
    const key = randomUUID();
    const replies = await connection.pipeline({ operation: 'test.pipeline' }, (pipeline) =>
      pipeline
        .run(countScript, { counter: key }, { by: 1 })
        .run(countScript, { counter: key }, { by: 1 })
        .command('get', key)
        .command('script', 'flush')
        .run(countScript, { counter: key }, { by: 1 }),
    );
    expect(replies).toEqual([1, 2, '2', 'OK', 3]);
  });

  it('puts a fault in the place of a command of a pipeline that failed', async () => {
    const connection = connectTo(server.url);
    const key = randomUUID();
    const replies = await connection.pipeline({ operation: 'test.pipeline' }, (pipeline) =>
      pipeline.command('set', key, 'text').command('incr', key).command('get', key),
    );
    expect(replies[0]).toBe('OK');
    expect(replies[1]).toMatchObject({ code: 'REFUSED', operation: 'test.pipeline' });
    expect(replies[2]).toBe('text');
  });

  it('answers strings as buffers where asked', async () => {
    const connection = connectTo(server.url);
    const key = randomUUID();
    const bytes = Buffer.from([0, 255, 10]);
    const reply = await connection.runBuffer(shrinkScript, { counter: key }, { by: bytes }, { operation: 'test.set' });
    expect(reply).toEqual(Buffer.from('OK'));
    expect(await connection.command({ operation: 'test.get' }, (redis) => redis.getBuffer(key))).toEqual(bytes);
  });

  it('says unknown of a write whose reply was cut, and does not run it again', async () => {
    const connection = connectTo(proxy.url);
    const key = randomUUID();
    await count(connection, key);
    proxy.cutReplies(1, { matching: /evalsha/ });
    expect(connection.interruptions).toBe(0);
    await expect(count(connection, key)).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' });
    expect(connection.interruptions).toBe(1);
    expect(proxy.cutsLeft()).toBe(0);
    expect(await get(connection, key)).toBe('2');
  });

  it('says unknown once of a pipeline whose replies were cut', async () => {
    const connection = connectTo(proxy.url);
    const key = randomUUID();
    await connection.ping();
    proxy.cutReplies(1, { matching: /incr/ });
    const sent = connection.pipeline({ operation: 'test.pipeline' }, (pipeline) =>
      pipeline.command('incr', key).command('incr', key),
    );
    await expect(sent).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' });
    expect(await get(connection, key)).toBe('2');
  });

  it('runs what is idempotent again after a cut reply, within its budget', async () => {
    const connection = connectTo(proxy.url, { timeoutMs: 2000 });
    const key = randomUUID();
    await count(connection, key);
    proxy.cutReplies(1, { matching: /evalsha/ });
    expect(await count(connection, key, { idempotent: true })).toBe(3);
  });

  it('ends a call within its budget when no reply comes, with effect unknown', async () => {
    const connection = connectTo(proxy.url);
    await connection.ping();
    proxy.silence('replies');
    const startMs = performance.now();
    const sent = connection.command({ operation: 'test.slow', call: { budgetMs: 80 } }, (redis) => redis.incr('slow'));
    await expect(sent).rejects.toMatchObject({ code: 'TIMEOUT', effect: 'unknown' });
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  it('does not send the text of a script when nobody waits any more for its answer', async () => {
    const connection = connectTo(proxy.url);
    const key = randomUUID();
    await connection.command({ operation: 'test.flush' }, (redis) => redis.script('FLUSH'));
    proxy.delay(60);
    const call = { budgetMs: 20 };
    const sent = connection.run(countScript, { counter: key }, { by: 1 }, { operation: 'test.count', call });
    await expect(sent).rejects.toMatchObject({ code: 'TIMEOUT' });
    // Replies come in order: by this one, the one to the hash has come, too.
    expect(await get(connection, key)).toBeNull();
    expect(await get(connection, key)).toBeNull();
  });

  it('leaves an error of the caller as it is', async () => {
    const connection = connectTo(server.url);
    const mistake = new TypeError('mistake');
    const sent = connection.command({ operation: 'test.mistake' }, () => {
      throw mistake;
    });
    await expect(sent).rejects.toBe(mistake);
    await connection.close();
  });

  it('reports the beginning of an outage, and a listener that throws, to nobody else', async () => {
    const faults: unknown[] = [];
    const connection = connectTo(proxy.url, { onFault: (error) => faults.push(error) });
    const broken = new Error('broken listener');
    connection.onReconnect(() => {
      throw broken;
    });
    let reconnected = 0;
    connection.onReconnect(() => (reconnected += 1));
    await connection.ping();
    expect(faults).toEqual([broken]);
    expect(reconnected).toBe(1);
    proxy.refuse();
    proxy.cutAll();
    await expect(connection.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE', cause: expect.anything() });
    expect(faults).toHaveLength(2);
  });

  it('ends a call on its signal: nothing was done before it was sent, unknown after', async () => {
    const connection = connectTo(proxy.url);
    await connection.ping();
    const early = { signal: AbortSignal.abort(new Error('gone')) };
    await expect(
      connection.command({ operation: 'test.early', call: early }, (redis) => redis.incr('aborted')),
    ).rejects.toMatchObject({ code: 'ABORTED', effect: 'none' });
    proxy.silence('replies');
    const controller = new AbortController();
    const sent = connection.command({ operation: 'test.late', call: { signal: controller.signal } }, (redis) =>
      redis.incr('aborted'),
    );
    controller.abort(new Error('gone'));
    await expect(sent).rejects.toMatchObject({ code: 'ABORTED', effect: 'unknown', cause: new Error('gone') });
  });

  it('ends a call on its signal while it waits for a connection', async () => {
    proxy.refuse();
    const connection = connectTo(proxy.url, { timeoutMs: 5000 });
    const controller = new AbortController();
    const waiting = connection.ping({ signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED', effect: 'none' });
  });

  it('refuses, with effect none, what finds no connection during half its budget', async () => {
    proxy.refuse();
    const connection = connectTo(proxy.url, { timeoutMs: 2000 });
    const startMs = performance.now();
    await expect(connection.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'none' });
    const waitedMs = performance.now() - startMs;
    expect(waitedMs).toBeGreaterThan(900);
    expect(waitedMs).toBeLessThan(1900);
  });

  it('waits for a connection that comes back meanwhile', async () => {
    const connection = connectTo(proxy.url, { timeoutMs: 4000 });
    await connection.ping();
    proxy.refuse();
    proxy.cutAll();
    await eventually(() => expect(connection.state).toBe('connecting'));
    const waiting = get(connection, 'absent');
    setTimeout(() => proxy.pass(), 100);
    expect(await waiting).toBeNull();
  });

  it('tells of each connection', async () => {
    const connection = connectTo(proxy.url);
    let times = 0;
    const stop = connection.onReconnect(() => (times += 1));
    await connection.ping();
    expect(times).toBe(1);
    proxy.cutAll();
    await eventually(() => expect(times).toBe(2));
    stop();
  });

  it('refuses calls once closed, lets those in flight end, and closes twice like once', async () => {
    const connection = connectTo(proxy.url);
    await connection.ping();
    proxy.delay(100);
    const inFlight = increment(connection, randomUUID());
    await Promise.all([connection.close(), connection.close()]);
    expect(await inFlight).toBe(1);
    expect(connection.state).toBe('closed');
    await expect(connection.ping()).rejects.toMatchObject({ code: 'CLOSED', effect: 'none' });
    expect(() => connection.subscribe('channel', () => undefined)).toThrow('the connection was closed');
    await eventually(() => expect(proxy.connections()).toBe(0));
  });

  it('closes without having connected, and while it cannot connect', async () => {
    await connectTo(proxy.url).close();
    proxy.refuse();
    const connection = connectTo(proxy.url, { timeoutMs: 5000 });
    const waiting = connection.ping();
    await Promise.all([connection.close(), expect(waiting).rejects.toMatchObject({ code: 'CLOSED', effect: 'none' })]);
  });

  it('refuses a value over its limit before it is sent', () => {
    const connection = connectTo(server.url, { maxValueBytes: 10 });
    expect(() => connection.refuseOversize('test.set', 10)).not.toThrow();
    expect(() => connection.refuseOversize('test.set', 11)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE', effect: 'none' }),
    );
  });

  it('hears a sharded channel, again after a cut, and is told to look for itself', async () => {
    const connection = connectTo(proxy.url);
    const channel = randomUUID();
    const heard: string[] = [];
    let again = 0;
    const subscription = connection.subscribe(
      channel,
      (message) => heard.push(message),
      () => (again += 1),
    );
    await subscription.confirmed;
    const publish = (message: string) =>
      connection.command({ operation: 'test.publish' }, (redis) => redis.spublish(channel, message));
    await publish('one');
    await eventually(() => expect(heard).toEqual(['one']));
    expect(again).toBe(0);
    proxy.cutAll();
    await eventually(() => expect(again).toBe(1));
    await eventually(() => publish('two'));
    await eventually(() => expect(heard).toEqual(['one', 'two']));
    subscription.close();
    subscription.close();
    await eventually(async () => expect(await publish('three')).toBe(0));
    expect(heard).toEqual(['one', 'two']);
  });

  it('confirms a subscription that is closed before the server is there', async () => {
    proxy.refuse();
    const connection = connectTo(proxy.url);
    const subscription = connection.subscribe('channel', () => undefined);
    subscription.close();
    await subscription.confirmed;
  });
});

describe('RedisConnection, when its server', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });

  afterAll(async () => {
    await server?.resume();
    await server?.stop();
  });

  it('is killed and started again, goes on by itself', async () => {
    const faults: unknown[] = [];
    const connection = connectTo(server.url, { onFault: (error) => faults.push(error) });
    expect(await count(connection, 'counter')).toBe(1);
    await server.kill();
    await eventually(() => expect(connection.state).toBe('connecting'));
    await expect(count(connection, 'counter')).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'none' });
    await eventually(() => expect(faults).not.toHaveLength(0));
    await server.restart();
    await eventually(async () => expect(await count(connection, 'counter')).toBe(1));
  });

  it('is flushed, finds its scripts again', async () => {
    const connection = connectTo(server.url);
    await count(connection, 'flushed');
    await server.flushAll();
    expect(await count(connection, 'flushed')).toBe(1);
  });

  it('is paused, ends each call within its budget, then writes to it no more, and goes on when it does', async () => {
    const connection = connectTo(server.url, { timeoutMs: 200 });
    await connection.ping();
    await server.pause();
    try {
      await expect(increment(connection, 'paused')).rejects.toMatchObject({ code: 'TIMEOUT', effect: 'unknown' });
      // Silent for too long: the connection is given up, and nothing more piles up in front of the server.
      await eventually(() => expect(connection.state).toBe('connecting'));
      await expect(increment(connection, 'paused')).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'none' });
    } finally {
      await server.resume();
    }
    await eventually(() => connection.ping());
    expect(await get(connection, 'paused')).toBe('1');
  });
});

describe('RedisConnection, when its server is full', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis({ maxmemory: '8mb' });
  });

  afterAll(async () => {
    await server?.stop();
  });

  it('refuses what adds, with effect none, and runs what may', async () => {
    const connection = connectTo(server.url);
    const full = { code: 'FULL', effect: 'none' };
    const fill = () =>
      connection.command({ operation: 'test.fill' }, (redis) => redis.append('filler', 'x'.repeat(256 * 1024)));
    await expect(
      (async () => {
        for (let times = 0; times < 100; times += 1) await fill();
      })(),
    ).rejects.toMatchObject(full);
    await expect(count(connection, 'counter')).rejects.toMatchObject(full);
    expect(await connection.run(shrinkScript, { counter: 'filler' }, { by: '' }, { operation: 'test.shrink' })).toBe(
      'OK',
    );
    expect(await count(connection, 'counter')).toBe(1);
  });
});
