import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Adapters } from './adapters.js';
import type { Space } from './cache/cache.js';
import { jsonCodec } from './call/json-codec.js';
import { eventually } from './eventually/eventually.js';
import type { Rule } from './limiter/rate-limiter.js';
import type { Queue } from './queue/task-queue.js';
import type { Stream } from './stream/event-stream.js';

/** Two handles of one backend, as two apps in one process, or two processes, would open them. */
export interface AdaptersUnderTest {
  readonly subject: Adapters;
  readonly other: Adapters;
  /** Closes both. */
  close(): Promise<void>;
}

const text = jsonCodec<string>('text@1');

/** What every `openAdapters` owes: the ports that it assembles share a backend, and nothing else. */
export function describeAdaptersContract(name: string, backend: { open(): Promise<AdaptersUnderTest> }): void {
  describe(`the adapters contract on ${name}`, () => {
    let under: AdaptersUnderTest;
    let subject: Adapters;
    let other: Adapters;
    let unique: string;
    let space: Space<string>;
    let queue: Queue<string>;
    let stream: Stream<string>;
    const rules: readonly Rule[] = [{ name: 'hour', limit: 1, windowMs: 3_600_000, algorithm: 'fixed' }];

    beforeEach(async () => {
      under = await backend.open();
      ({ subject, other } = under);
      unique = `adapters:{1}%:${randomUUID()}`;
      space = { name: unique, codec: text, ttlMs: 60_000, graceMs: 0 };
      queue = {
        name: unique,
        codec: text,
        shards: 1,
        leaseMs: 5_000,
        attempts: 3,
        backoff: { firstMs: 10, maxMs: 100, jitter: 1 },
        dedupeMs: 60_000,
        keepDead: { count: 10, ageMs: 60_000 },
        maxBytes: 100_000,
      };
      stream = {
        name: unique,
        codec: text,
        partitions: 2,
        subject: (event) => event,
        eventId: (event) => event,
        cap: { bytes: 100_000, ageMs: 60_000, when: 'refuse' },
      };
    });
    afterEach(() => under.close());

    const consume = (adapters: Adapters, handled: string[]) =>
      adapters.stream.consume(
        stream,
        'readers',
        async ({ event }) => {
          handled.push(event);
          return 'done';
        },
        { consumer: randomUUID(), attempts: 3, takeoverMs: 2_000 },
      );
    const work = (adapters: Adapters, handled: string[]) =>
      adapters.queue.work(
        queue,
        async ({ payload }) => {
          handled.push(payload);
          return 'done';
        },
        { concurrency: 1 },
      );

    it('is not degraded when its backend answers', async () => {
      expect(await subject.degraded()).toEqual([]);
    });

    it('shows another handle what is held, kept, counted and ranked through one', async () => {
      expect((await subject.lock.acquire(unique, { ttlMs: 20_000 })).status).toBe('held');
      expect((await other.lock.acquire(unique, { ttlMs: 20_000 })).status).toBe('busy');

      await subject.cache.set(space, 'greeting', 'hello');
      expect(await other.cache.get(space, 'greeting')).toMatchObject({ value: 'hello', from: 'hit' });

      expect((await subject.limiter.take(unique, rules)).status).toBe('allowed');
      expect((await other.limiter.take(unique, rules)).status).toBe('limited');

      await subject.leaderboard.set(unique, [{ member: 'ada', score: 7, version: 1 }]);
      expect(await other.leaderboard.top(unique, { limit: 10 })).toEqual([{ rank: 1, member: 'ada', score: 7 }]);

      const { generation } = await subject.sessions.prepare(unique);
      expect((await other.sessions.prepare(unique)).generation).toBe(generation);
    });

    it('gives another handle the tasks and events that were sent through one', async () => {
      const tasks: string[] = [];
      const events: string[] = [];
      await using _worker = work(other, tasks);
      await using _consumer = consume(other, events);
      await subject.queue.enqueue(queue, [{ payload: 'task' }]);
      await subject.stream.append(stream, ['event']);
      await eventually(() => expect([tasks, events]).toEqual([['task'], ['event']]));
    });

    it('refuses every call once closed, twice or not, while another handle goes on', async () => {
      const stopped: string[] = [];
      work(subject, stopped);
      consume(subject, stopped);
      await Promise.all([subject.close(), subject.close()]);
      await subject.close();

      const calls: [string, () => Promise<unknown>][] = [
        ['lock', () => subject.lock.acquire(unique, { ttlMs: 20_000 })],
        ['queue', () => subject.queue.enqueue(queue, [{ payload: 'task' }])],
        ['stream', () => subject.stream.append(stream, ['event'])],
        ['session', () => subject.sessions.prepare(unique)],
        ['limiter', () => subject.limiter.take(unique, rules)],
        ['leaderboard', () => subject.leaderboard.top(unique, { limit: 1 })],
      ];
      for (const [port, call] of calls) {
        const outcome = await Promise.resolve()
          .then(call)
          .catch((error: unknown) => error);
        expect([port, outcome]).toEqual([port, expect.objectContaining({ code: 'CLOSED', effect: 'none' })]);
      }

      const handled: string[] = [];
      await using _worker = work(other, handled);
      await using _consumer = consume(other, handled);
      await other.queue.enqueue(queue, [{ payload: 'task' }]);
      await other.stream.append(stream, ['event']);
      await eventually(() => expect([...handled].sort()).toEqual(['event', 'task']), { withinMs: 10_000 });
      expect(stopped).toEqual([]);
    }, 20_000);
  });
}
