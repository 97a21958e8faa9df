import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { DrivenTaskQueue, jsonCodec, type Queue, type Running } from '@redstart/ports';
import { eventually } from '@redstart/ports/contracts';
import { type RedisServer, startRedis } from '@redstart/test-servers';
import { RedisConnection } from '../connection/redis-connection.js';
import { redisTestSettings } from '../redis-under-test.js';
import { queueKeys } from './keys.js';
import { RedisQueueDriver } from './redis-queue-driver.js';

// What only a server of one's own shows: it is flushed, filled, stopped, and looked into.

const LIMIT = 12 * 1024 * 1024;

let server: RedisServer;
let connection: RedisConnection;
let queues: DrivenTaskQueue;
let workers: Running[];

beforeEach(async () => {
  server = await startRedis();
  connection = new RedisConnection({ url: server.url, ...redisTestSettings, timeoutMs: 500 });
  queues = new DrivenTaskQueue(new RedisQueueDriver(connection, redisTestSettings), {
    ...redisTestSettings,
    timeoutMs: 500,
  });
  workers = [];
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop({ deadlineMs: 0 })));
  queues.close();
  await connection.close();
  await server.stop();
});

function define(overrides: Partial<Queue<string>> = {}): Queue<string> {
  return {
    name: `q-${randomUUID()}`,
    codec: jsonCodec<string>('string@1'),
    shards: 1,
    leaseMs: 10_000,
    attempts: 3,
    backoff: { firstMs: 10, maxMs: 100, jitter: 1 },
    dedupeMs: 200,
    keepDead: { count: 10, ageMs: 60_000 },
    maxBytes: 1_000_000_000,
    ...overrides,
  };
}

const redis = <T>(send: Parameters<typeof connection.command<T>>[1]) =>
  connection.command<T>({ operation: 'test' }, send);
const scriptCalls = async () =>
  Number(/calls=(\d+)/.exec((await server.info('commandstats')).get('cmdstat_evalsha') ?? '')?.[1] ?? 0);
const idle = { waiting: 0, delayed: 0, active: 0, bytes: 0 };

it('works on when the server is flushed, and knows none of the old tokens', async () => {
  const queue = define();
  const faults: unknown[] = [];
  const held: { id: string; signal: AbortSignal; say: () => void }[] = [];
  const leaseMs = 300;
  workers.push(
    queues.work(
      { ...queue, leaseMs },
      ({ id, signal }) => new Promise((say) => held.push({ id, signal, say: () => say('done') })),
      { concurrency: 2, onFault: (fault) => faults.push(fault) },
    ),
  );
  await queues.enqueue(queue, [{ payload: '', id: 'before' }]);
  await eventually(() => expect(held).toHaveLength(1));
  await server.flushAll();
  // The owner enqueues again what the flush took.
  expect(await queues.enqueue(queue, [{ payload: '', id: 'before' }])).toMatchObject([{ status: 'queued' }]);
  await eventually(() => expect(held).toHaveLength(2));
  await eventually(() => expect(held[0]!.signal.aborted).toBe(true));
  held[0]!.say();
  await queues.enqueue(queue, [{ payload: '', id: 'after' }]);
  held[1]!.say();
  await eventually(() => expect(held).toHaveLength(3));
  held[2]!.say();
  await eventually(async () => expect(await queues.stats(queue)).toMatchObject(idle));
  expect(held.map(({ id }) => id)).toEqual(['before', 'before', 'after']);
  expect(faults).toContainEqual(expect.objectContaining({ code: 'TASK_LEASE_LOST', taskId: 'before' }));
});

it('works on when the server forgets its scripts', async () => {
  const queue = define();
  const seen: string[] = [];
  workers.push(queues.work(queue, async ({ id }) => (seen.push(id), 'done'), { concurrency: 1 }));
  for (const id of ['a', 'b', 'c']) {
    await queues.enqueue(queue, [{ payload: '', id }]);
    await redis((client) => client.script('FLUSH'));
    await eventually(() => expect(seen).toContain(id));
  }
  expect(seen).toEqual(['a', 'b', 'c']);
});

it('fills a server to its limit, drains it, and takes again', async () => {
  await redis((client) => client.config('SET', 'maxmemory', String(LIMIT)));
  const queue = define({ dedupeMs: 0 });
  const payload = 'x'.repeat(4_000);
  let queued = 0;
  const fill = async () => {
    for (;;) {
      const tasks = Array.from({ length: 50 }, (_, n) => ({ payload, id: `${queued + n}` }));
      await queues.enqueue(queue, tasks);
      queued += tasks.length;
    }
  };
  await expect(fill()).rejects.toMatchObject({ code: 'FULL', effect: 'none' });
  expect(queued).toBeGreaterThan(1_000);
  const seen = new Set<string>();
  // Nobody but the worker frees memory; every third task takes a detour.
  workers.push(
    queues.work(
      queue,
      async ({ id, attempt }) => {
        if (attempt === 1 && Number(id) % 3 === 0) return { retryInMs: 20 };
        seen.add(id);
        return 'done';
      },
      { concurrency: 50 },
    ),
  );
  await eventually(async () => expect(await queues.stats(queue)).toMatchObject(idle), { withinMs: 20_000 });
  expect(seen.size).toBe(queued);
  expect(await queues.enqueue(queue, [{ payload, id: 'again' }])).toMatchObject([{ status: 'queued' }]);
}, 40_000);

it('burns no attempt while the server is paused, however often its workers look, and ramps up after', async () => {
  const queue = define({ attempts: 1 });
  const seen: string[] = [];
  const faults: unknown[] = [];
  workers.push(
    queues.work(queue, async ({ id, attempt }) => (seen.push(`${id} ${attempt}`), 'done'), {
      concurrency: 8,
      onFault: (fault) => faults.push(fault),
    }),
  );
  await queues.enqueue(queue, [{ payload: '', id: 'warm' }]);
  await eventually(() => expect(seen).toHaveLength(1));
  await server.pause();
  const lost = queues.enqueue(
    queue,
    Array.from({ length: 40 }, (_, n) => ({ payload: '', id: `${n}` })),
  );
  await expect(lost).rejects.toMatchObject({ effect: 'unknown' });
  await eventually(() => expect(faults.length).toBeGreaterThan(2), { withinMs: 20_000 });
  await server.resume();
  await eventually(() => expect(seen).toHaveLength(41), { withinMs: 20_000 });
  expect(new Set(seen).size).toBe(41);
  expect(seen.every((each) => each.endsWith(' 1'))).toBe(true);
}, 60_000);

it('goes on after the server was killed and has come back empty', async () => {
  const queue = define();
  const seen: string[] = [];
  workers.push(queues.work(queue, async ({ id }) => (seen.push(id), 'done'), { concurrency: 4 }));
  await queues.enqueue(queue, [{ payload: '', id: 'a' }]);
  await eventually(() => expect(seen).toEqual(['a']));
  await server.kill();
  await expect(queues.enqueue(queue, [{ payload: '', id: 'b' }])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await server.restart();
  await eventually(async () => {
    await queues.enqueue(queue, [{ payload: '', id: 'b' }]);
  });
  await eventually(() => expect(seen).toContain('b'), { withinMs: 15_000 });
}, 40_000);

it('says a verdict of an outage after it, to a server that has kept its data', async () => {
  const kept = await startRedis({ appendonly: true });
  const own = new RedisConnection({ url: kept.url, ...redisTestSettings });
  const driven = new DrivenTaskQueue(new RedisQueueDriver(own, redisTestSettings), redisTestSettings);
  const queue = define();
  const held: ((verdict: 'done') => void)[] = [];
  const faults: unknown[] = [];
  const worker = driven.work(queue, () => new Promise((say) => held.push(say)), {
    concurrency: 1,
    onFault: (fault) => faults.push(fault),
  });
  await driven.enqueue(queue, [{ payload: '', id: 'a' }]);
  await eventually(() => expect(held).toHaveLength(1));
  await kept.kill();
  held[0]!('done');
  await eventually(() => expect(faults).not.toEqual([]));
  await kept.restart();
  await eventually(async () => expect(await driven.stats(queue)).toMatchObject(idle), { withinMs: 15_000 });
  expect(await worker.stop({ deadlineMs: 0 })).toEqual({ finished: 0, handedBack: 0 });
  expect(held).toHaveLength(1);
  driven.close();
  await own.close();
  await kept.stop();
}, 30_000);

it('leaves nothing behind once all is done but what has a bound or a TTL', async () => {
  const queue = define();
  workers.push(
    queues.work(queue, async ({ payload }) => (payload === 'bad' ? { dead: 'bad' } : 'done'), { concurrency: 4 }),
  );
  await queues.enqueue(
    queue,
    Array.from({ length: 300 }, (_, n) => ({ payload: n % 10 ? 'good' : 'bad', dedupeKey: `${n}`, delayMs: n % 7 })),
  );
  const keys = queueKeys(queue.name, 0);
  // 30 have died, 10 are kept; dedupe keys go when they have served.
  await eventually(async () => {
    const left = (await redis((client) => client.keys(`rs:queue:{${queue.name}.0}:*`))).sort();
    const ttls = await Promise.all(left.map((name) => redis((client) => client.pttl(name))));
    const bounded = left.filter((_, index) => ttls[index]! < 0);
    expect(bounded).toEqual([keys.dead, keys.letters, keys.meta].sort());
    expect(left.filter((_, index) => ttls[index]! > 0)).toEqual([expect.stringContaining(':taken:')]);
  });
  expect(await redis((client) => client.zcard(keys.dead))).toBe(10);
  expect(await redis((client) => client.hlen(keys.letters))).toBe(10);
  expect(await redis((client) => client.hgetall(keys.meta))).toEqual({ last: expect.any(String), bytes: '0' });
});

it('enqueues all calls of a tick in one script, and settles and fetches in few', async () => {
  const queue = define();
  await queues.enqueue(queue, [{ payload: '' }]);
  const before = await scriptCalls();
  await Promise.all(Array.from({ length: 999 }, () => queues.enqueue(queue, [{ payload: '' }])));
  expect((await scriptCalls()) - before).toBe(1);
  let handled = 0;
  workers.push(queues.work(queue, async () => ((handled += 1), 'done'), { concurrency: 64 }));
  await eventually(async () => expect(await queues.stats(queue)).toMatchObject(idle));
  expect(handled).toBe(1_000);
  expect((await scriptCalls()) - before).toBeLessThan(200);
});

it('splits what is large, and keeps the tasks of a call together', async () => {
  const queue = define({ maxBytes: 9_000_000 });
  const payload = 'x'.repeat(500_000);
  const calls = Array.from({ length: 12 }, (_, n) =>
    queues.enqueue(queue, [
      { payload, id: `${n}a` },
      { payload, id: `${n}b` },
    ]),
  );
  const answers = await Promise.all(calls);
  for (const [first, second] of answers) expect(second!.status).toBe(first!.status);
  expect(answers.filter(([first]) => first!.status === 'queued')).toHaveLength(8);
  expect(await queues.stats(queue)).toMatchObject({ waiting: 16 });
});

it('hands large tasks out in several replies, one right after the other', async () => {
  const queue = define();
  const payload = 'x'.repeat(300_000);
  for (let n = 0; n < 40; n += 1) await queues.enqueue(queue, [{ payload }]);
  let held = 0;
  const startedMs = performance.now();
  const before = await scriptCalls();
  const settings = { ...redisTestSettings, random: () => 0.999 };
  const patient = new DrivenTaskQueue(new RedisQueueDriver(connection, settings), settings);
  workers.push(patient.work(queue, () => new Promise(() => (held += 1)), { concurrency: 40 }));
  await eventually(() => expect(held).toBe(40));
  // It did not wait to look again: that is after a second, with this randomness.
  expect(performance.now() - startedMs).toBeLessThan(900);
  expect((await scriptCalls()) - before).toBeGreaterThanOrEqual(2);
});
