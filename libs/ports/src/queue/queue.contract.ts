import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Codec, Running } from '../call/call.js';
import { jsonCodec } from '../call/json-codec.js';
import type { Troubles } from '../faulty/troubles.js';
import { describeQueueDriverContract } from './queue-driver.contract.js';
import type { QueueDriver } from './queue-driver.js';
import type { Enqueued, Queue, QueueStats, Task, TaskQueue, Verdict } from './task-queue.js';

/** One backend, seen through two handles of it, as two processes would have them. */
export interface QueueUnderTest extends Troubles {
  /** Befallen by the troubles; alone, by `silence`. */
  readonly subject: TaskQueue;
  readonly other: TaskQueue;
  /** What `subject` and `other` drive. */
  readonly subjectDriver: QueueDriver;
  readonly driver: QueueDriver;
  /** Closes `subject`'s adapter alone; twice does nothing. */
  closeSubject(): Promise<void>;
  /** Closes all. */
  close(): Promise<void>;
}

export type QueueBackend = { open(): Promise<QueueUnderTest> };

/** What every `TaskQueue` owes, on every backend. */
export function describeQueueContract(name: string, backend: QueueBackend): void {
  describe(`the queue contract on ${name}`, () => {
    let under: QueueUnderTest;
    let subject: TaskQueue;
    let other: TaskQueue;
    let running: Running[];

    beforeEach(async () => {
      under = await backend.open();
      ({ subject, other } = under);
      running = [];
    });
    afterEach(async () => {
      const stopped = settled(Promise.all(running.map((worker) => worker.stop({ deadlineMs: 0 }))));
      await until(() => expect(stopped.value).toBeDefined());
      await under.close();
    });

    /** Waits until `probe` answers without throwing, while time passes. */
    async function until<R>(probe: () => R | Promise<R>, withinMs = 8_000): Promise<R> {
      const endMs = performance.now() + withinMs;
      for (let step = 0; ; step += 1) {
        try {
          return await probe();
        } catch (error) {
          if (step > 200 && performance.now() > endMs) throw error;
        }
        await under.advance(10);
      }
    }

    function work<T>(
      queue: Queue<T>,
      handle: (task: Task<T>) => Verdict | Promise<Verdict>,
      options: { by?: TaskQueue; concurrency?: number; faults?: unknown[] } = {},
    ): Running {
      const { by = subject, concurrency = 1, faults = [] } = options;
      const worker = by.work(queue, async (task) => handle(task), {
        concurrency,
        onFault: (fault) => faults.push(fault),
      });
      running.push(worker);
      return worker;
    }

    /** A handler that keeps its tasks until told what becomes of them. */
    function holding<T>() {
      const held: { task: Task<T>; say: (verdict: Verdict) => void }[] = [];
      const handle = (task: Task<T>) => new Promise<Verdict>((say) => held.push({ task, say }));
      return { held, handle };
    }

    const nothing: QueueStats = { waiting: 0, delayed: 0, active: 0, dead: 0, bytes: 0, oldestWaitingMs: 0 };
    const untilStats = (queue: Queue<string>, stats: Partial<QueueStats>) =>
      until(async () => expect(await other.stats(queue)).toMatchObject(stats));

    describe('enqueue and work', () => {
      it('hands each task to a handler, and forgets it when it is done', async () => {
        const queue = strings();
        const [answer] = await subject.enqueue(queue, [{ payload: 'brew' }]);
        expect(answer).toEqual({ status: 'queued', id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/) });
        const { id } = answer as { id: string };
        expect((await other.stats(queue)).bytes).toBeGreaterThan(4);
        const { held, handle } = holding<string>();
        work(queue, handle);
        const [{ task, say }] = await until(() => one(held));
        expect(task).toMatchObject({ id, payload: 'brew', attempt: 1 });
        expect(task.signal.aborted).toBe(false);
        await untilStats(queue, { waiting: 0, active: 1 });
        say('done');
        await untilStats(queue, nothing);
      });

      it('keeps the order of a shard, within a call and over calls', async () => {
        const queue = strings();
        await subject.enqueue(queue, [{ payload: '1' }, { payload: '2' }, { payload: '3' }]);
        await other.enqueue(queue, [{ payload: '4' }]);
        await Promise.all(['5', '6', '7'].map((payload) => subject.enqueue(queue, [{ payload }])));
        const seen: string[] = [];
        work(queue, ({ payload }) => (seen.push(payload), 'done'));
        await until(() => expect(seen).toHaveLength(7));
        expect(seen).toEqual(['1', '2', '3', '4', '5', '6', '7']);
      });

      it('carries bytes as they are, and names as they are', async () => {
        const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
        const queue = define<Uint8Array>({ codec: { schema: 'bytes|@1', encode: (b) => b, decode: (b) => b.slice() } });
        const id = 'order|{7}:%/ü€😀';
        const first = await subject.enqueue(queue, [{ payload: bytes, id, dedupeKey: '|1|2|{k}%|ü' }]);
        expect(first).toEqual([{ status: 'queued', id }]);
        expect(await other.enqueue(queue, [{ payload: bytes, dedupeKey: '|1|2|{k}%|ü' }])).toEqual([
          { status: 'duplicate', id },
        ]);
        const seen: Task<Uint8Array>[] = [];
        work(queue, (task) => (seen.push(task), 'done'));
        const [task] = await until(() => one(seen));
        expect(task.id).toBe(id);
        expect(Buffer.from(task.payload).equals(Buffer.from(bytes))).toBe(true);
      });

      it('takes thousands in one call, over several shards, and keeps the order of each', async () => {
        const queue = numbers({ shards: 3 });
        const tasks = Array.from({ length: 2_500 }, (_, payload) => ({ payload, id: `${payload}` }));
        const answers = await subject.enqueue(queue, tasks);
        expect(answers).toEqual(tasks.map(({ id }) => ({ status: 'queued', id })));
        expect(await other.stats(queue)).toMatchObject({ waiting: 2_500 });
        const seen: number[] = [];
        work(queue, ({ payload }) => (seen.push(payload), 'done'), { concurrency: 8 });
        await until(() => expect(seen).toHaveLength(2_500));
        expect(new Set(seen).size).toBe(2_500);
        await until(async () => expect(await other.stats(queue)).toEqual(nothing));
      });

      it('keeps queues apart', async () => {
        const [queue, stranger] = [strings(), strings()];
        await subject.enqueue(stranger, [{ payload: 'not yours' }]);
        await subject.enqueue(queue, [{ payload: 'yours' }]);
        const seen: string[] = [];
        work(queue, ({ payload }) => (seen.push(payload), 'done'));
        await until(() => expect(seen).toEqual(['yours']));
        expect(await other.stats(stranger)).toMatchObject({ waiting: 1 });
      });

      it('runs as many handlers at once as it was told, and no more', async () => {
        const queue = strings();
        await subject.enqueue(
          queue,
          Array.from({ length: 9 }, (_, n) => ({ payload: `${n}` })),
        );
        const { held, handle } = holding<string>();
        work(queue, handle, { concurrency: 3 });
        await until(() => expect(held).toHaveLength(3));
        await under.advance(50);
        expect(held).toHaveLength(3);
        held[1]!.say('done');
        await until(() => expect(held).toHaveLength(4));
        await under.advance(50);
        expect(held).toHaveLength(4);
      });

      it('gives each task to one of many workers, over several handles', async () => {
        const queue = numbers();
        const seen: number[] = [];
        for (let worker = 0; worker < 6; worker += 1) {
          const by = worker % 2 ? subject : other;
          work(queue, async ({ payload }) => (seen.push(payload), await turn(), 'done' as const), {
            by,
            concurrency: 4,
          });
        }
        const each = Array.from({ length: 300 }, (_, payload) => ({ payload }));
        await Promise.all(each.map((task, n) => (n % 2 ? subject : other).enqueue(queue, [task])));
        await until(async () => expect(await other.stats(queue)).toEqual(nothing));
        expect(seen.sort((a, b) => a - b)).toEqual(each.map(({ payload }) => payload));
      });

      it('wakes an idle worker of another handle at once', async () => {
        const queue = strings();
        const seen: string[] = [];
        work(queue, ({ payload }) => (seen.push(payload), 'done'));
        await other.enqueue(queue, [{ payload: 'first' }]);
        await until(() => expect(seen).toHaveLength(1));
        const startedMs = performance.now();
        for (let n = 2; n <= 6; n += 1) {
          await other.enqueue(queue, [{ payload: `${n}` }]);
          // No time passes but what the messages take.
          for (let step = 0; seen.length < n && step < 2_000; step += 1) await turn();
        }
        expect(seen).toHaveLength(6);
        // Without a bell it looks each half second at the earliest.
        expect(performance.now() - startedMs).toBeLessThan(1_500);
      });

      it('refuses what is out of bounds', async () => {
        const queue = strings();
        const refused = [
          { payload: '', id: '' },
          { payload: '', id: 'x'.repeat(257) },
          { payload: '', dedupeKey: '' },
          { payload: '', dedupeKey: 'ü'.repeat(257) },
          { payload: '', delayMs: -1 },
          { payload: '', delayMs: 0.5 },
        ];
        for (const task of refused) await expect(subject.enqueue(queue, [task])).rejects.toThrow(RangeError);
        const large = subject.enqueue(queue, [{ payload: 'x'.repeat(1024 * 1024) }]);
        await expect(large).rejects.toMatchObject({ code: 'TOO_LARGE', effect: 'none' });
        expect(() => subject.work(strings({ attempts: 0 }), async () => 'done', { concurrency: 1 })).toThrow(
          RangeError,
        );
        expect(() => subject.work(queue, async () => 'done', { concurrency: 0 })).toThrow(RangeError);
        expect(await subject.enqueue(queue, [])).toEqual([]);
        expect(await other.stats(queue)).toEqual(nothing);
      });

      it('says how long the first in line has been waiting', async () => {
        const queue = strings();
        await subject.enqueue(queue, [{ payload: 'old' }]);
        await under.advance(60);
        await subject.enqueue(queue, [{ payload: 'young' }]);
        const { oldestWaitingMs } = await other.stats(queue);
        expect(oldestWaitingMs).toBeGreaterThanOrEqual(55);
        expect(oldestWaitingMs).toBeLessThan(5_000);
      });
    });

    describe('delay', () => {
      it('hands no task out before it is due, and then in the order of their instants', async () => {
        const queue = strings();
        const seen: string[] = [];
        await subject.enqueue(queue, [
          { payload: 'third', delayMs: 1_200 },
          { payload: 'first', delayMs: 800 },
          { payload: 'second', delayMs: 800 },
          { payload: 'now' },
        ]);
        work(queue, ({ payload }) => (seen.push(payload), 'done'));
        await untilStats(queue, { waiting: 0, delayed: 3, active: 0 });
        expect(seen).toEqual(['now']);
        await until(() => expect(seen).toContain('first'));
        await untilStats(queue, nothing);
        expect(seen).toEqual(['now', 'first', 'second', 'third']);
      });

      it('wakes an idle worker when the task is due, not when it looks next', async () => {
        const queue = strings();
        const seen: string[] = [];
        work(queue, ({ payload }) => (seen.push(payload), 'done'));
        await subject.enqueue(queue, [{ payload: 'warm' }]);
        await until(() => expect(seen).toEqual(['warm']));
        // Each would take half a second at least.
        const startedMs = performance.now();
        let steps = 0;
        for (const payload of ['1', '2', '3', '4']) {
          await other.enqueue(queue, [{ payload, delayMs: 40 }]);
          for (; !seen.includes(payload) && steps < 2_000; steps += 1) await under.advance(1);
        }
        expect(seen).toEqual(['warm', '1', '2', '3', '4']);
        expect(performance.now() - startedMs).toBeLessThan(1_800);
        expect(steps).toBeLessThan(1_800);
      });
    });

    describe('dedupe', () => {
      const key = { payload: 'again', dedupeKey: 'order 7' };

      it('answers duplicate, with the first id, while the task waits, is delayed, or is worked on', async () => {
        const queue = strings();
        const id = queuedId(await subject.enqueue(queue, [{ ...key, delayMs: 100 }]));
        const duplicate = [{ status: 'duplicate', id }];
        expect(await other.enqueue(queue, [key])).toEqual(duplicate);
        const { held, handle } = holding<string>();
        await until(async () => {
          // Due, and nobody takes it.
          await under.driver.exchange(shardOf(queue), { ...look('nobody'), want: 0 });
          expect(await other.stats(queue)).toMatchObject({ waiting: 1 });
        });
        expect(await other.enqueue(queue, [key])).toEqual(duplicate);
        work(queue, handle);
        await until(() => one(held));
        expect(await other.enqueue(queue, [key])).toEqual(duplicate);
        held[0]!.say({ retryInMs: 60_000 });
        await untilStats(queue, { delayed: 1, active: 0 });
        expect(await other.enqueue(queue, [key])).toEqual(duplicate);
      });

      it.each<['done' | 'dead', Verdict]>([
        ['done', 'done'],
        ['dead', { dead: 'enough' }],
      ])('remembers it for dedupeMs after it is %s, and no longer', async (_, verdict) => {
        const queue = strings({ dedupeMs: 800 });
        const id = queuedId(await subject.enqueue(queue, [key]));
        const worker = work(queue, () => verdict);
        await untilStats(queue, { waiting: 0, active: 0, bytes: 0 });
        expect(await other.enqueue(queue, [key])).toEqual([{ status: 'duplicate', id }]);
        await worker.stop({ deadlineMs: 0 });
        await under.advance(850);
        const later = queuedId(await other.enqueue(queue, [key]));
        expect(later).not.toBe(id);
        expect(await subject.enqueue(queue, [key])).toEqual([{ status: 'duplicate', id: later }]);
      });

      it('forgets at once where dedupeMs is 0', async () => {
        const queue = strings({ dedupeMs: 0 });
        await subject.enqueue(queue, [key]);
        work(queue, () => 'done');
        await untilStats(queue, nothing);
        queuedId(await other.enqueue(queue, [key]));
      });

      it('takes a given id for a key, in a space of its own', async () => {
        const queue = strings();
        expect(await subject.enqueue(queue, [{ payload: 'a', id: 'order 7' }])).toEqual([
          { status: 'queued', id: 'order 7' },
        ]);
        expect(await other.enqueue(queue, [{ payload: 'a', id: 'order 7' }])).toEqual([
          { status: 'duplicate', id: 'order 7' },
        ]);
        queuedId(await other.enqueue(queue, [key]));
        expect(await other.stats(queue)).toMatchObject({ waiting: 2 });
      });

      it('sees duplicates within a call, and lets one of many racers in', async () => {
        const queue = strings({ shards: 2 });
        const [first, second] = await subject.enqueue(queue, [key, { ...key, payload: 'same call' }]);
        expect(second).toEqual({ status: 'duplicate', id: (first as { id: string }).id });
        const racers = Array.from({ length: 40 }, (_, n) =>
          (n % 2 ? subject : other).enqueue(queue, [{ payload: `${n}`, dedupeKey: 'race' }]),
        );
        const answers = (await Promise.all(racers)).flat();
        expect(answers.filter(({ status }) => status === 'queued')).toHaveLength(1);
        expect(new Set(answers.map((answer) => (answer as { id: string }).id)).size).toBe(1);
        expect(await other.stats(queue)).toMatchObject({ waiting: 2 });
      });
    });

    describe('the cap', () => {
      it('takes all of a call or none, and takes again once work is done', async () => {
        const bytes = await bytesOfOne(under);
        const queue = strings({ maxBytes: 3 * bytes });
        const task = (payload: string) => ({ payload, id: payload });
        expect(await subject.enqueue(queue, [task('a'), task('b')])).toMatchObject([
          { status: 'queued' },
          { status: 'queued' },
        ]);
        expect(await other.enqueue(queue, [task('c'), task('d')])).toEqual([{ status: 'full' }, { status: 'full' }]);
        expect(await other.stats(queue)).toMatchObject({ waiting: 2, bytes: 2 * bytes });
        expect(await other.enqueue(queue, [task('c')])).toMatchObject([{ status: 'queued' }]);
        expect(await other.enqueue(queue, [task('d')])).toEqual([{ status: 'full' }]);
        expect(await other.enqueue(queue, [task('a')])).toEqual([{ status: 'duplicate', id: 'a' }]);
        work(queue, () => 'done');
        await untilStats(queue, nothing);
        expect(await other.enqueue(queue, [task('d')])).toMatchObject([{ status: 'queued' }]);
      });

      it('counts what waits, is delayed and is worked on, through retries and death, back to 0', async () => {
        const bytes = await bytesOfOne(under);
        const queue = strings({ maxBytes: 3 * bytes });
        await subject.enqueue(queue, [{ payload: 'a', id: 'a' }]);
        await subject.enqueue(queue, [{ payload: 'b', id: 'b', delayMs: 60_000 }]);
        const { held, handle } = holding<string>();
        work(queue, handle);
        await until(() => one(held));
        expect(await other.stats(queue)).toMatchObject({ active: 1, delayed: 1, bytes: 2 * bytes });
        held[0]!.say({ retryInMs: 0 });
        await until(() => expect(held).toHaveLength(2));
        expect(await other.stats(queue)).toMatchObject({ active: 1, delayed: 1, bytes: 2 * bytes });
        held[1]!.say({ dead: 'enough' });
        await untilStats(queue, { active: 0, delayed: 1, dead: 1, bytes });
        await under.advance(1);
        expect(await other.replayDead(queue, ['a'])).toBe(1);
        await until(() => expect(held).toHaveLength(3));
        expect(await other.stats(queue)).toMatchObject({ active: 1, dead: 0, bytes: 2 * bytes });
        held[2]!.say('done');
        await untilStats(queue, { active: 0, bytes });
      });
    });

    describe('verdicts', () => {
      it('hands a task out again after the delay asked for, with an attempt burned', async () => {
        const queue = strings();
        await subject.enqueue(queue, [{ payload: 'a' }]);
        const attempts: number[] = [];
        work(queue, ({ attempt }) => (attempts.push(attempt), attempt < 3 ? { retryInMs: 300 } : 'done'));
        await until(() => expect(attempts).toHaveLength(1));
        await under.advance(50);
        expect(attempts).toEqual([1]);
        await untilStats(queue, nothing);
        expect(attempts).toEqual([1, 2, 3]);
      });

      it('burns no attempt when asked not to, however often', async () => {
        const queue = strings({ attempts: 2 });
        await subject.enqueue(queue, [{ payload: 'a' }]);
        const attempts: number[] = [];
        work(queue, ({ attempt }) => {
          attempts.push(attempt);
          return attempts.length < 6 ? { retryInMs: 0, countAttempt: false } : 'done';
        });
        await untilStats(queue, nothing);
        expect(attempts).toEqual([1, 1, 1, 1, 1, 1]);
      });

      it('tries again after a throw, with backoff, and buries the task when no attempt is left', async () => {
        const queue = strings({ attempts: 3, backoff: { firstMs: 300, maxMs: 300, jitter: 0 } });
        await subject.enqueue(queue, [{ payload: 'a', id: 'a' }]);
        const attempts: number[] = [];
        const faults: unknown[] = [];
        work(
          queue,
          ({ attempt }) => {
            attempts.push(attempt);
            throw new Error(`failed ${attempt}`);
          },
          { faults },
        );
        await until(() => expect(attempts).toEqual([1]));
        await under.advance(30);
        expect(attempts).toEqual([1]);
        await untilStats(queue, { ...nothing, dead: 1 });
        expect(attempts).toEqual([1, 2, 3]);
        expect(faults.map((fault) => (fault as Error).message)).toEqual(['failed 1', 'failed 2', 'failed 3']);
        const [letter] = await other.deadLetters(queue, { limit: 10 });
        expect(letter).toEqual({ id: 'a', payload: 'a', attempts: 3, reason: 'failed 3', diedAt: expect.any(Number) });
      });

      it('buries at once what is said to be dead, and what asks for a retry that it has not', async () => {
        const queue = strings({ attempts: 1 });
        await subject.enqueue(queue, [{ payload: 'dead' }, { payload: 'retry' }, { payload: 'nonsense' }]);
        work(queue, ({ payload }) => {
          if (payload === 'dead') return { dead: `why: ü|${'x'.repeat(3_000)}` };
          return payload === 'retry' ? { retryInMs: 0 } : ('nonsense' as Verdict);
        });
        await untilStats(queue, { ...nothing, dead: 3 });
        const letters = await other.deadLetters(queue, { limit: 10 });
        const reasons = Object.fromEntries(letters.map(({ payload, reason }) => [payload, reason]));
        expect(reasons['dead']).toBe(`why: ü|${'x'.repeat(993)}`);
        expect(reasons['retry']).toMatch(/no attempt is left/);
        expect(reasons['nonsense']).toMatch(/verdict is "nonsense"/);
      });

      it('buries a payload that does not decode, with a reason, and calls no handler', async () => {
        const queue = strings();
        const strict: Codec<string> = jsonCodec<string>(queue.codec.schema, () => {
          throw new Error('not a drink');
        });
        const other2 = jsonCodec<string>('string@2');
        await subject.enqueue(queue, [{ payload: 'tea', id: 'tea' }]);
        await subject.enqueue({ ...queue, codec: other2 }, [{ payload: 'milk', id: 'milk' }]);
        const seen: string[] = [];
        const worker = work({ ...queue, codec: strict }, ({ payload }) => (seen.push(payload), 'done'));
        await untilStats(queue, { ...nothing, dead: 2 });
        await worker.stop({ deadlineMs: 0 });
        expect(seen).toEqual([]);
        const letters = await other.deadLetters(queue, { limit: 10 });
        expect(letters.find(({ id }) => id === 'tea')).toMatchObject({
          payload: 'tea',
          attempts: 1,
          reason: 'payload does not decode: not a drink',
        });
        expect(letters.find(({ id }) => id === 'milk')).toMatchObject({
          payload: undefined,
          reason: 'payload of schema "string@2", not "string@1"',
        });
      });
    });

    describe('dead letters', () => {
      async function bury(queue: Queue<string>, ids: string[]): Promise<void> {
        const worker = work(queue, ({ id }) => ({ dead: `${id} is bad` }));
        for (const id of ids) {
          await subject.enqueue(queue, [{ payload: id, id }]);
          await until(async () => expect((await other.deadLetters(queue, { limit: 1 }))[0]).toMatchObject({ id }));
          await under.advance(2);
        }
        await worker.stop({ deadlineMs: 0 });
      }

      it('lists the newest first, as many as asked for', async () => {
        const queue = strings();
        await bury(queue, ['a', 'b', 'c']);
        expect((await other.deadLetters(queue, { limit: 2 })).map(({ id }) => id)).toEqual(['c', 'b']);
        expect(await other.deadLetters(queue, { limit: 0 })).toEqual([]);
      });

      it('keeps no more than keepDead.count, nor longer than keepDead.ageMs', async () => {
        const queue = strings({ keepDead: { count: 2, ageMs: 1_500 } });
        await bury(queue, ['a', 'b', 'c']);
        expect((await other.deadLetters(queue, { limit: 10 })).map(({ id }) => id)).toEqual(['c', 'b']);
        expect(await other.stats(queue)).toMatchObject({ dead: 2 });
        await under.advance(1_550);
        expect(await other.deadLetters(queue, { limit: 10 })).toEqual([]);
        expect(await other.stats(queue)).toMatchObject({ dead: 0 });
      });

      it('puts those asked for back to work, with all their attempts and their key', async () => {
        const queue = strings({ attempts: 2, shards: 2, dedupeMs: 0 });
        await bury(queue, ['a', 'b', 'c']);
        expect(await other.replayDead(queue, ['c', 'unknown', 'a', 'a'])).toBe(2);
        expect(await other.replayDead(queue, ['c', 'a'])).toBe(0);
        expect(await other.replayDead(queue, [])).toBe(0);
        expect(await other.stats(queue)).toMatchObject({ waiting: 2, dead: 1 });
        expect(await other.enqueue(queue, [{ payload: 'a', id: 'a' }])).toEqual([{ status: 'duplicate', id: 'a' }]);
        const seen: string[] = [];
        work(queue, ({ id, attempt }) => (seen.push(`${id} ${attempt}`), attempt < 2 ? { retryInMs: 0 } : 'done'));
        await untilStats(queue, { ...nothing, dead: 1 });
        expect(seen.sort()).toEqual(['a 1', 'a 2', 'c 1', 'c 2']);
      });

      it('puts dead letters back once, when the reply to that was lost and it is asked again', async () => {
        const queue = strings({ attempts: 2 });
        await bury(queue, ['a', 'b']);
        await under.cutNextReply();
        await expect(subject.replayDead(queue, ['a', 'b'])).rejects.toMatchObject({ effect: 'unknown' });
        await until(async () => expect(await subject.replayDead(queue, ['a', 'b'])).toBe(0));
        expect(await other.stats(queue)).toMatchObject({ waiting: 2, dead: 0 });
        const seen: string[] = [];
        work(queue, ({ id, attempt }) => (seen.push(`${id} ${attempt}`), 'done'), { by: other });
        await untilStats(queue, nothing);
        expect(seen.sort()).toEqual(['a 1', 'b 1']);
      });
    });

    describe('leases', () => {
      const short = { leaseMs: 600 };

      it('are renewed while a handler runs, so that nobody else gets its task', async () => {
        const queue = strings(short);
        const { held, handle } = holding<string>();
        work(queue, handle);
        const strangers: string[] = [];
        await subject.enqueue(queue, [{ payload: 'long' }]);
        await until(() => one(held));
        work(queue, ({ payload }) => (strangers.push(payload), 'done'), { by: other });
        for (let passed = 0; passed < 1_500; passed += 10) await under.advance(10);
        expect(strangers).toEqual([]);
        expect(held[0]!.task.signal.aborted).toBe(false);
        held[0]!.say('done');
        await untilStats(queue, nothing);
      });

      it('pass to another when the holder is cut off, whose signal has aborted and whose late verdict is refused', async () => {
        const queue = strings({ ...short, attempts: 5 });
        const mine = holding<string>();
        const theirs = holding<string>();
        const faults: unknown[] = [];
        await subject.enqueue(queue, [{ payload: 'a', id: 'a' }]);
        work(queue, mine.handle, { faults });
        const [{ task }] = await until(() => one(mine.held));
        let abortedFirst = false;
        task.signal.addEventListener('abort', () => (abortedFirst = theirs.held.length === 0));
        const restore = await under.silence();
        work(queue, theirs.handle, { by: other });
        const [taken] = await until(() => one(theirs.held));
        expect(taken.task).toMatchObject({ id: 'a', attempt: 2 });
        expect(abortedFirst).toBe(true);
        expect(task.signal.reason).toMatchObject({ code: 'TASK_LEASE_LOST', taskId: 'a' });
        await restore();
        mine.held[0]!.say('done');
        await until(async () => {
          // It has said its word and is at work again.
          await other.enqueue(queue, [{ payload: 'b', id: 'b' }]);
          expect(mine.held.at(-1)!.task.id).toBe('b');
        }, 15_000);
        expect(await other.stats(queue)).toMatchObject({ active: 2 });
        expect(taken.task.signal.aborted).toBe(false);
        expect(faults).toContainEqual(expect.objectContaining({ code: 'TASK_LEASE_LOST', taskId: 'a' }));
        taken.say('done');
        mine.held.at(-1)!.say('done');
        await untilStats(queue, nothing);
      }, 40_000);

      it('that run out on the last attempt leave a dead letter', async () => {
        const queue = strings({ ...short, attempts: 1 });
        await subject.enqueue(queue, [{ payload: 'a', id: 'a' }]);
        await under.driver.exchange(shardOf(queue), { ...look('killed'), want: 1 });
        await untilStats(queue, { active: 1 });
        work(queue, () => 'done');
        await untilStats(queue, { ...nothing, dead: 1 });
        const [letter] = await other.deadLetters(queue, { limit: 1 });
        expect(letter).toMatchObject({ id: 'a', attempts: 1, reason: 'the lease of delivery 1 ran out' });
      });
    });

    describe('stop', () => {
      it('takes no more, and waits for what is running', async () => {
        const queue = strings();
        await subject.enqueue(queue, [{ payload: 'a' }, { payload: 'b' }, { payload: 'c' }]);
        const { held, handle } = holding<string>();
        const worker = work(queue, handle, { concurrency: 2 });
        await until(() => expect(held).toHaveLength(2));
        const stopped = worker.stop({ deadlineMs: 5_000 });
        held[0]!.say('done');
        await under.advance(20);
        expect(held[1]!.task.signal.aborted).toBe(false);
        held[1]!.say('done');
        expect(await stopped).toEqual({ finished: 2, handedBack: 0 });
        expect(await worker.stop({ deadlineMs: 0 })).toEqual({ finished: 2, handedBack: 0 });
        expect(held).toHaveLength(2);
        expect(await other.stats(queue)).toMatchObject({ waiting: 1, active: 0 });
      });

      it('hands back what hangs when the deadline has passed, at the head and without burning an attempt', async () => {
        const queue = strings();
        await subject.enqueue(queue, [
          { payload: 'a', id: 'a' },
          { payload: 'b', id: 'b' },
        ]);
        const mine = holding<string>();
        const worker = work(queue, mine.handle);
        await until(() => one(mine.held));
        const outcome = settled(worker.stop({ deadlineMs: 100 }));
        await until(() => expect(outcome.value).toEqual({ finished: 0, handedBack: 1 }));
        const [{ task, say }] = mine.held as [(typeof mine.held)[0]];
        expect(task.signal.reason).toMatchObject({ code: 'WORKER_STOPPED', taskId: 'a' });
        const theirs = holding<string>();
        work(queue, theirs.handle, { by: other });
        const [taken] = await until(() => one(theirs.held));
        expect(taken.task).toMatchObject({ id: 'a', attempt: 1 });
        say('done');
        await under.advance(20);
        expect(await other.stats(queue)).toMatchObject({ waiting: 1, active: 1 });
      });

      it('ends in time when the backend is silent', async () => {
        const queue = strings();
        await subject.enqueue(queue, [{ payload: 'a' }]);
        const { held, handle } = holding<string>();
        const worker = work(queue, handle);
        await until(() => one(held));
        const restore = await under.silence();
        const outcome = settled(worker.stop({ deadlineMs: 50 }));
        await until(() => expect(outcome.value).toEqual({ finished: 0, handedBack: 0 }), 5_000);
        await restore();
      });

      it('is what disposing does', async () => {
        const queue = strings();
        await subject.enqueue(queue, [{ payload: 'a' }]);
        const { held, handle } = holding<string>();
        const worker = work(queue, handle);
        await until(() => one(held));
        await worker[Symbol.asyncDispose]();
        await untilStats(queue, { waiting: 1, active: 0 });
        expect(held[0]!.task.signal.aborted).toBe(true);
      });
    });

    describe('in trouble', () => {
      it('says that an enqueue whose reply was lost may have happened, and does not do it twice for one id', async () => {
        const queue = strings();
        await subject.enqueue(queue, [{ payload: 'warm', id: 'warm' }]);
        await under.cutNextReply();
        const cut = subject.enqueue(queue, [{ payload: 'a', id: 'a' }]);
        await expect(cut).rejects.toMatchObject({ effect: 'unknown' });
        await until(async () => {
          expect(await subject.enqueue(queue, [{ payload: 'a', id: 'a' }])).toEqual([{ status: 'duplicate', id: 'a' }]);
        });
        expect(await other.stats(queue)).toMatchObject({ waiting: 2 });
      });

      it('loses no task, and runs none twice, when replies to its worker are lost', async () => {
        const queue = strings();
        const seen: string[] = [];
        const faults: unknown[] = [];
        work(queue, ({ id, attempt }) => (seen.push(`${id} ${attempt}`), 'done'), { faults });
        await subject.enqueue(queue, [{ payload: '', id: 'warm' }]);
        await untilStats(queue, nothing);
        for (const id of ['a', 'b', 'c']) {
          const before = faults.length;
          await under.cutNextReply();
          await other.enqueue(queue, [{ payload: '', id }]);
          await untilStats(queue, nothing);
          // The cut was met: by the reply that brought the task, or by the one that took its verdict.
          await until(() => expect(faults.length).toBeGreaterThan(before));
        }
        expect(seen).toEqual(['warm 1', 'a 1', 'b 1', 'c 1']);
      }, 30_000);

      it('ends every call within its budget when the backend is silent', async () => {
        const queue = strings();
        await subject.enqueue(queue, [{ payload: 'a' }]);
        const restore = await under.silence();
        const call = { budgetMs: 100 };
        const startedMs = performance.now();
        const calls = [
          subject.enqueue(queue, [{ payload: 'b' }], call),
          subject.stats(queue, call),
          subject.deadLetters(queue, { limit: 1, ...call }),
          subject.replayDead(queue, ['a'], call),
        ];
        const silent = { code: 'TIMEOUT', effect: 'unknown' };
        await Promise.all(calls.map((each) => expect(each).rejects.toMatchObject(silent)));
        expect(performance.now() - startedMs).toBeLessThan(1_000);
        await restore();
      });

      it('pauses its worker while the backend is silent, and goes on by itself', async () => {
        const queue = strings();
        const seen: string[] = [];
        const faults: unknown[] = [];
        work(queue, ({ id }) => (seen.push(id), 'done'), { concurrency: 4, faults });
        await subject.enqueue(queue, [{ payload: '', id: 'warm' }]);
        await until(() => expect(seen).toEqual(['warm']));
        await untilStats(queue, nothing);
        const restore = await under.silence();
        await other.enqueue(
          queue,
          Array.from({ length: 20 }, (_, n) => ({ payload: '', id: `${n}` })),
        );
        await until(() => expect(faults.length).toBeGreaterThan(0));
        expect(seen).toEqual(['warm']);
        await restore();
        await untilStats(queue, nothing);
        expect(seen).toHaveLength(21);
      }, 30_000);

      it('refuses to add when the backend is full, and goes on to take, renew, retry, finish and hand back', async () => {
        const queue = strings({ leaseMs: 600, dedupeMs: 0 });
        await subject.enqueue(queue, [
          { payload: 'a', id: 'a' },
          { payload: 'b', id: 'b' },
          { payload: 'c', id: 'c' },
        ]);
        const restore = await under.fill();
        const more = subject.enqueue(queue, [{ payload: 'd' }]);
        await expect(more).rejects.toMatchObject({ code: 'FULL', effect: 'none' });
        const { held, handle } = holding<string>();
        const worker = work(queue, handle, { concurrency: 3 });
        await until(() => expect(held).toHaveLength(3));
        for (let passed = 0; passed < 900; passed += 10) await under.advance(10);
        expect(held.map(({ task }) => task.signal.aborted)).toEqual([false, false, false]);
        held[0]!.say({ retryInMs: 0 });
        await until(() => expect(held).toHaveLength(4));
        expect(held[3]!.task).toMatchObject({ id: 'a', attempt: 2 });
        held[1]!.say({ dead: 'enough' });
        held[3]!.say('done');
        await untilStats(queue, { active: 1, dead: 1 });
        expect(await worker.stop({ deadlineMs: 0 })).toEqual({ finished: 0, handedBack: 1 });
        await restore();
        queuedId(await subject.enqueue(queue, [{ payload: 'd' }]));
        expect(await other.stats(queue)).toMatchObject({ waiting: 2, active: 0 });
      }, 30_000);

      it('refuses every call once closed, and ends its workers', async () => {
        const queue = strings();
        await subject.enqueue(queue, [{ payload: 'a' }]);
        const { held, handle } = holding<string>();
        const worker = work(queue, handle);
        await until(() => one(held));
        await under.closeSubject();
        await under.closeSubject();
        expect(held[0]!.task.signal.aborted).toBe(true);
        expect(await worker.stop({ deadlineMs: 60_000 })).toEqual({ finished: 0, handedBack: 0 });
        const closed = { code: 'CLOSED', effect: 'none' };
        await expect(subject.enqueue(queue, [{ payload: 'b' }])).rejects.toMatchObject(closed);
        await expect(subject.stats(queue)).rejects.toMatchObject(closed);
        await expect(subject.deadLetters(queue, { limit: 1 })).rejects.toMatchObject(closed);
        await expect(subject.replayDead(queue, ['a'])).rejects.toMatchObject(closed);
        expect(() => subject.work(queue, handle, { concurrency: 1 })).toThrow(expect.objectContaining(closed));
        expect(await other.stats(queue)).toMatchObject({ active: 1 });
      });

      it('ends a call when its signal aborts', async () => {
        const queue = strings();
        const signal = AbortSignal.abort();
        const aborted = { code: 'ABORTED', effect: 'none' };
        await expect(subject.enqueue(queue, [{ payload: 'a' }], { signal })).rejects.toMatchObject(aborted);
        await expect(subject.stats(queue, { signal })).rejects.toMatchObject(aborted);
        expect(await other.stats(queue)).toEqual(nothing);
      });
    });

    describeQueueDriverContract(() => under);
  });
}

/** With all the characters that a key must not trip over. */
function define<T>(overrides: Partial<Queue<T>> & { codec: Codec<T> }): Queue<T> {
  return {
    name: `process:{order}%.${randomUUID()}`,
    shards: 1,
    leaseMs: 10_000,
    attempts: 3,
    backoff: { firstMs: 10, maxMs: 100, jitter: 1 },
    dedupeMs: 60_000,
    keepDead: { count: 100, ageMs: 60_000 },
    maxBytes: 10_000_000,
    ...overrides,
  };
}

const strings = (overrides: Partial<Queue<string>> = {}) =>
  define({ codec: jsonCodec<string>('string@1'), ...overrides });
const numbers = (overrides: Partial<Queue<number>> = {}) =>
  define({ codec: jsonCodec<number>('number@1'), ...overrides });

/** What a task of one character for payload and id takes. */
async function bytesOfOne(under: QueueUnderTest): Promise<number> {
  const queue = strings();
  await under.other.enqueue(queue, [{ payload: '1', id: '1' }]);
  return (await under.other.stats(queue)).bytes;
}

function shardOf(queue: Queue<string>) {
  const { name, leaseMs, attempts, dedupeMs, keepDead, maxBytes } = queue;
  return { queue: name, shard: 0, leaseMs, attempts, dedupeMs, keepDead, maxBytes };
}

/** A first exchange. */
function look(worker: string) {
  return { worker, turn: 1, received: 0, settle: [], want: 0 };
}

function queuedId([answer]: Enqueued[]): string {
  expect(answer).toMatchObject({ status: 'queued' });
  return (answer as { id: string }).id;
}

function one<R>(list: readonly R[]): [R] {
  expect(list).toHaveLength(1);
  return [list[0]!];
}

function settled<R>(promise: Promise<R>): { value?: R } {
  const outcome: { value?: R } = {};
  void promise.then((value) => (outcome.value = value));
  return outcome;
}

/** A turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
