import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { QueueUnderTest } from './queue.contract.js';
import type { Exchange, Exchanged, QueueDriver, QueueShard, Settlement, TaskRecord } from './queue-driver.js';

/** The part of the queue contract that a worker cannot show: tokens and turns. Called inside of it. */
export function describeQueueDriverContract(open: () => QueueUnderTest): void {
  describe('a token', () => {
    let under: QueueUnderTest;
    let driver: QueueDriver;
    let shard: QueueShard;

    beforeEach(() => {
      under = open();
      ({ driver } = under);
      shard = {
        queue: `tokens.${randomUUID()}`,
        shard: 0,
        leaseMs: 10_000,
        attempts: 3,
        dedupeMs: 60_000,
        keepDead: { count: 10, ageMs: 60_000 },
        maxBytes: 1_000_000,
      };
    });

    const task = (id: string, dedupe: TaskRecord['dedupe'] = 'id'): TaskRecord => ({
      id,
      dedupe,
      body: Uint8Array.of(1, 2, 3),
      delayMs: 0,
    });
    const exchange = (what: Partial<Exchange>, of = shard): Promise<Exchanged> =>
      driver.exchange(of, { worker: 'w', turn: 1, received: 0, settle: [], want: 0, ...what });
    const ids = ({ taken }: Exchanged) => taken.map(({ id }) => id);

    it.each<[string, (token: string) => Settlement]>([
      ['done', (token) => ({ token, verdict: 'done' })],
      ['retried', (token) => ({ token, verdict: 'retry', inMs: 60_000, count: true })],
      ['dead', (token) => ({ token, verdict: 'dead', reason: 'enough' })],
      ['released', (token) => ({ token, verdict: 'release' })],
    ])('settles once: what was %s is refused afterwards, whatever is said', async (_, first) => {
      await driver.enqueue(shard, [task('a'), task('b')]);
      const { taken } = await exchange({ want: 1, worker: 'w' });
      const { token } = taken[0]!;
      expect((await exchange({ worker: 'x', settle: [first(token)] })).refused).toEqual([]);
      const before = await driver.stats(shard);
      const again: Settlement[] = [
        { token, verdict: 'done' },
        { token, verdict: 'retry', inMs: 0, count: true },
        { token, verdict: 'dead', reason: 'late' },
        { token, verdict: 'release' },
      ];
      for (const [turn, settle] of again.entries()) {
        expect((await exchange({ worker: 'y', turn: turn + 1, settle: [settle] })).refused).toEqual([token]);
      }
      const { oldestWaitingMs: _waited, ...counts } = before;
      expect(await driver.stats(shard)).toMatchObject(counts);
      expect(await driver.renew(shard, [token])).toEqual([token]);
    });

    it('that is settled twice in one exchange is refused the second time', async () => {
      await driver.enqueue(shard, [task('a'), task('b')]);
      const { taken } = await exchange({ want: 1 });
      const { token } = taken[0]!;
      const done: Settlement = { token, verdict: 'done' };
      expect((await exchange({ turn: 2, received: 1, settle: [done, done] })).refused).toEqual([token]);
      const { bytes } = await driver.stats(shard);
      await exchange({ turn: 3, received: 2, want: 1 });
      expect((await driver.stats(shard)).bytes).toBe(bytes);
      expect(bytes).toBeGreaterThan(0);
    });

    it('is new for each delivery, also of a task that no attempt was burned of', async () => {
      await driver.enqueue(shard, [task('a')]);
      const tokens = new Set<string>();
      for (let turn = 1; turn <= 4; turn += 1) {
        const { taken } = await exchange({ turn: 2 * turn, received: 2 * turn - 1, want: 1 });
        expect(taken).toMatchObject([{ id: 'a', attempt: 1 }]);
        const { token } = taken[0]!;
        tokens.add(token);
        await exchange({ turn: 2 * turn + 1, received: 2 * turn, settle: [{ token, verdict: 'release' }] });
      }
      expect(tokens.size).toBe(4);
    });

    it('is good until its task is taken back, and refused from then on', async () => {
      const quick = { ...shard, leaseMs: 150 };
      await driver.enqueue(quick, [task('a'), task('b')]);
      const mine = await exchange({ worker: 'mine', want: 2 }, quick);
      const [a, b] = mine.taken.map(({ token }) => token) as [string, string];
      await under.advance(200);
      // Its lease has ended, and nobody has looked.
      expect(
        (await exchange({ worker: 'mine', turn: 2, received: 1, settle: [{ token: a, verdict: 'done' }] }, quick))
          .refused,
      ).toEqual([]);
      const theirs = await exchange({ worker: 'theirs', want: 2 }, quick);
      expect(theirs.taken).toMatchObject([{ id: 'b', attempt: 2 }]);
      expect(await driver.renew(quick, [b])).toEqual([b]);
      const late = await exchange(
        { worker: 'mine', turn: 3, received: 2, settle: [{ token: b, verdict: 'done' }] },
        quick,
      );
      expect(late.refused).toEqual([b]);
      expect(await driver.stats(quick)).toMatchObject({ active: 1 });
    });

    it('that is renewed in time keeps its task', async () => {
      const quick = { ...shard, leaseMs: 1_000 };
      await driver.enqueue(quick, [task('a')]);
      const { taken } = await exchange({ worker: 'mine', want: 1 }, quick);
      const { token } = taken[0]!;
      for (let turn = 1; turn <= 4; turn += 1) {
        await under.advance(400);
        expect(await driver.renew(quick, [token, '17'])).toEqual(['17']);
        expect(ids(await exchange({ worker: 'theirs', turn, received: turn - 1, want: 1 }, quick))).toEqual([]);
      }
      expect(
        (await exchange({ worker: 'mine', turn: 2, received: 1, settle: [{ token, verdict: 'done' }] }, quick)).refused,
      ).toEqual([]);
    });

    it('whose reply was lost is delivered again at once, with its attempt, to the worker that took it', async () => {
      await driver.enqueue(shard, [task('a'), task('b'), task('c')]);
      const first = await exchange({ worker: 'mine', turn: 1, want: 2 });
      // Turn 1 was not received.
      expect(ids(await exchange({ worker: 'theirs', turn: 1, want: 0 }))).toEqual([]);
      const second = await exchange({ worker: 'mine', turn: 2, received: 0, want: 2 });
      expect(second.taken).toEqual(first.taken);
      const third = await exchange({ worker: 'mine', turn: 3, received: 1, want: 3 });
      expect(third.taken.map(({ id, attempt }) => [id, attempt])).toEqual([
        ['a', 1],
        ['b', 1],
        ['c', 1],
      ]);
      const fourth = await exchange({ worker: 'mine', turn: 4, received: 3, want: 3 });
      expect(fourth.taken).toEqual([]);
      expect(await driver.stats(shard)).toMatchObject({ active: 3, waiting: 0 });
    });

    it('is given to nobody by an exchange that a later one overtook, but what it settles is settled', async () => {
      await driver.enqueue(shard, [task('a'), task('b')]);
      const { taken } = await exchange({ worker: 'mine', turn: 1, want: 1 });
      await exchange({ worker: 'mine', turn: 3, received: 1, want: 0 });
      const settle: Settlement[] = [{ token: taken[0]!.token, verdict: 'done' }];
      const overtaken = await exchange({ worker: 'mine', turn: 2, received: 1, settle, want: 1 });
      expect(overtaken).toMatchObject({ taken: [], refused: [] });
      expect(await driver.stats(shard)).toMatchObject({ active: 0, waiting: 1 });
    });

    it('is not lost with the reply that brings it', async () => {
      const { subjectDriver } = under;
      await driver.enqueue(shard, [task('a')]);
      await subjectDriver.stats(shard);
      await under.cutNextReply();
      const first = { worker: 'mine', turn: 1, received: 0, settle: [], want: 1 };
      await expect(subjectDriver.exchange(shard, first)).rejects.toMatchObject({ effect: 'unknown' });
      expect(await driver.stats(shard)).toMatchObject({ active: 1 });
      let turn = 1;
      const again = async (): Promise<Exchanged> => {
        turn += 1;
        return subjectDriver.exchange(shard, { ...first, turn }).catch(async (): Promise<Exchanged> => {
          await under.advance(20);
          return again();
        });
      };
      expect((await again()).taken).toMatchObject([{ id: 'a', attempt: 1 }]);
    });

    it('of a delayed task is given to nobody before it is due', async () => {
      const delayMs = 500;
      const startedMs = performance.now();
      await driver.enqueue(shard, [{ ...task('later'), delayMs }]);
      let advancedMs = 0;
      for (let turn = 1; ids(await exchange({ turn, received: turn - 1, want: 1 })).length === 0; turn += 1) {
        await under.advance(10);
        advancedMs += 10;
      }
      // By the clock that moves, whichever it is; a server's may be read a millisecond apart.
      expect(Math.max(advancedMs, performance.now() - startedMs)).toBeGreaterThanOrEqual(delayMs - 2);
    });

    it('says when to look again: at the next due instant or end of a lease', async () => {
      await driver.enqueue(shard, [{ ...task('later'), delayMs: 5_000 }]);
      const { nextDueMs } = await exchange({ want: 1 });
      expect(nextDueMs).toBeGreaterThan(4_000);
      expect(nextDueMs).toBeLessThanOrEqual(5_000);
      await driver.enqueue(shard, [task('now')]);
      const filled = await exchange({ turn: 2, received: 1, want: 1 });
      expect(filled).toMatchObject({ taken: [{ id: 'now' }], nextDueMs: undefined });
    });
  });
}
