import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Troubles } from '../faulty/troubles.js';
import type { BoardEntry, Leaderboard } from './leaderboard.js';

/** One backend, seen through two handles of it, as two processes would have them. */
export interface LeaderboardUnderTest extends Troubles {
  /** Befallen by the troubles. */
  readonly subject: Leaderboard;
  readonly other: Leaderboard;
  /** Closes `subject`'s adapter alone; twice does nothing. */
  closeSubject(): Promise<void>;
  /** Closes all. */
  close(): Promise<void>;
}

/** What every `Leaderboard` owes, on every backend. */
export function describeLeaderboardContract(name: string, backend: { open(): Promise<LeaderboardUnderTest> }): void {
  describe(`the leaderboard contract on ${name}`, () => {
    let under: LeaderboardUnderTest;
    let subject: Leaderboard;
    let other: Leaderboard;
    let board: string;

    beforeEach(async () => {
      under = await backend.open();
      ({ subject, other } = under);
      // With all the characters that a key must not trip over.
      board = `spend:{all}%:${randomUUID()}`;
    });
    afterEach(() => under.close());

    const entry = (member: string, score: number, version = 1): BoardEntry => ({ member, score, version });
    /** The board as `ann 30, bob 20`, seen through the other handle; ranks are checked. */
    async function listed(limit = 100): Promise<string> {
      const ranked = await other.top(board, { limit });
      expect(ranked.map(({ rank }) => rank)).toEqual(ranked.map((_, i) => i + 1));
      return ranked.map(({ member, score }) => `${member} ${score}`).join(', ');
    }

    it('lists members by score, highest first', async () => {
      await subject.set(board, [entry('bob', 20), entry('ann', 30), entry('cid', 7)]);
      expect(await listed()).toBe('ann 30, bob 20, cid 7');
      expect(await subject.top(board, { limit: 2 })).toEqual([
        { rank: 1, member: 'ann', score: 30 },
        { rank: 2, member: 'bob', score: 20 },
      ]);
    });

    it('is empty when nothing was set', async () => {
      expect(await subject.top(board, { limit: 10 })).toEqual([]);
      expect(await subject.incarnation(board)).toBeUndefined();
      await subject.set(board, []);
      expect(await subject.incarnation(board)).toBeUndefined();
    });

    it('moves a member with a higher version, up and down', async () => {
      await subject.set(board, [entry('ann', 30), entry('bob', 20)]);
      await other.set(board, [entry('bob', 40, 2)]);
      expect(await listed()).toBe('bob 40, ann 30');
      await subject.set(board, [entry('bob', 10, 3)]);
      expect(await listed()).toBe('ann 30, bob 10');
    });

    it('ignores a lower version, and the same one again', async () => {
      await subject.set(board, [entry('ann', 30, 5)]);
      await other.set(board, [entry('ann', 99, 4)]);
      await other.set(board, [entry('ann', 98, 5)]);
      expect(await listed()).toBe('ann 30');
      await other.set(board, [entry('ann', 31, 6)]);
      expect(await listed()).toBe('ann 31');
    });

    it('takes the highest version when one set has several of a member', async () => {
      await subject.set(board, [entry('ann', 2, 2), entry('ann', 3, 3), entry('ann', 1, 1)]);
      expect(await listed()).toBe('ann 3');
    });

    it('takes a member with score 0 off the list, and remembers its version', async () => {
      await subject.set(board, [entry('ann', 30, 1), entry('bob', 20, 1)]);
      await subject.set(board, [entry('ann', 0, 3)]);
      expect(await listed()).toBe('bob 20');
      await other.set(board, [entry('ann', 30, 2)]);
      expect(await listed()).toBe('bob 20');
      await other.set(board, [entry('ann', 10, 4)]);
      expect(await listed()).toBe('bob 20, ann 10');
    });

    it('remembers the version of a member that began at score 0', async () => {
      await subject.set(board, [entry('ann', 0, 3)]);
      expect(await listed()).toBe('');
      expect(await other.incarnation(board)).toEqual(expect.any(String));
      await other.set(board, [entry('ann', 30, 2)]);
      expect(await listed()).toBe('');
    });

    it('puts the first to reach a score above its equals', async () => {
      await subject.set(board, [entry('zoe', 10)]);
      await other.set(board, [entry('ann', 10)]);
      await subject.set(board, [entry('mia', 10), entry('bob', 10)]);
      expect(await listed()).toBe('zoe 10, ann 10, mia 10, bob 10');
    });

    it('counts a return to a score as reaching it anew, and a new version of the same score not', async () => {
      await subject.set(board, [entry('ann', 10, 1), entry('bob', 10, 1), entry('cid', 10, 1)]);
      await subject.set(board, [entry('bob', 10, 2)]);
      expect(await listed()).toBe('ann 10, bob 10, cid 10');
      await subject.set(board, [entry('ann', 20, 2)]);
      await subject.set(board, [entry('ann', 10, 3)]);
      expect(await listed()).toBe('bob 10, cid 10, ann 10');
      await subject.set(board, [entry('bob', 0, 3)]);
      await subject.set(board, [entry('bob', 10, 4)]);
      expect(await listed()).toBe('cid 10, ann 10, bob 10');
    });

    it('keeps scores exact up to the largest safe integer', async () => {
      const largest = Number.MAX_SAFE_INTEGER;
      await subject.set(board, [entry('bob', largest - 1), entry('ann', largest, largest - 1)]);
      await subject.set(board, [entry('cid', largest - 2, largest)]);
      expect(await listed()).toBe(`ann ${largest}, bob ${largest - 1}, cid ${largest - 2}`);
      await subject.set(board, [entry('ann', 5, largest - 2)]);
      expect(await listed(1)).toBe(`ann ${largest}`);
      await subject.set(board, [entry('ann', 5, largest)]);
      expect(await listed()).toBe(`bob ${largest - 1}, cid ${largest - 2}, ann 5`);
    });

    it('takes any name for a member', async () => {
      const names = ['a:b', '{a}', '%', ' ', 'ü ☃ 🐦', '0', '-1', 'seq', 'incarnation', '__proto__', '12:ann'];
      await subject.set(
        board,
        names.map((name, i) => entry(name, 100 - i)),
      );
      const ranked = await other.top(board, { limit: 100 });
      expect(ranked.map(({ member }) => member)).toEqual(names);
      expect(ranked.map(({ score }) => score)).toEqual(names.map((_, i) => 100 - i));
    });

    it('keeps boards apart', async () => {
      await subject.set(board, [entry('ann', 30)]);
      await subject.set(`${board}:2`, [entry('bob', 20)]);
      await subject.set(board.replace('{all}', '%7Ball%7D'), [entry('cid', 10)]);
      expect(await listed()).toBe('ann 30');
    });

    it('sets thousands at once, and lists a thousand', async () => {
      const many = Array.from({ length: 2_300 }, (_, i) => entry(`member ${i}`, i + 1));
      await subject.set(board, many, { budgetMs: 10_000 });
      const ranked = await other.top(board, { limit: 1_000 });
      expect(ranked).toHaveLength(1_000);
      expect(ranked[0]).toEqual({ rank: 1, member: 'member 2299', score: 2_300 });
      expect(ranked[999]).toEqual({ rank: 1_000, member: 'member 1300', score: 1_301 });
    });

    it('ends with the highest version of each, whatever the order and the handle', async () => {
      const sets = Array.from({ length: 60 }, (_, i) => entry(`member ${i % 3}`, 1_000 + i, i));
      const shuffled = [...sets].sort((a, b) => ((a.version * 37) % 61) - ((b.version * 37) % 61));
      await Promise.all(shuffled.map((each, i) => (i % 2 === 0 ? subject : other).set(board, [each])));
      expect(await listed()).toBe('member 2 1059, member 1 1058, member 0 1057');
    });

    it('lives for its time after the last set, and then begins anew', async () => {
      const options = { ttlMs: 300 };
      await subject.set(board, [entry('ann', 30, 9)], options);
      await under.advance(180);
      await subject.set(board, [entry('bob', 20)], options);
      await under.advance(180);
      expect(await listed()).toBe('ann 30, bob 20');
      await under.advance(130);
      expect(await listed()).toBe('');
      expect(await subject.incarnation(board)).toBeUndefined();
      await subject.set(board, [entry('ann', 1, 1)], options);
      expect(await listed()).toBe('ann 1');
    });

    it('lives on when the last set named no time', async () => {
      await subject.set(board, [entry('ann', 30)], { ttlMs: 100 });
      await subject.set(board, [entry('bob', 20)]);
      await under.advance(150);
      expect(await listed()).toBe('ann 30, bob 20');
    });

    it('keeps its incarnation while it lives, and has another after it was lost', async () => {
      await subject.set(board, [entry('ann', 30)]);
      const first = await subject.incarnation(board);
      expect(first).toEqual(expect.any(String));
      await other.set(board, [entry('ann', 0, 2)]);
      await other.set(board, [entry('bob', 20)], { ttlMs: 50 });
      expect(await other.incarnation(board)).toBe(first);
      await under.advance(60);
      await subject.set(board, [entry('ann', 30)]);
      const second = await subject.incarnation(board);
      expect(second).toEqual(expect.any(String));
      expect(second).not.toBe(first);
      await subject.set(`${board}:2`, [entry('ann', 30)]);
      expect(await subject.incarnation(`${board}:2`)).not.toBe(second);
    });

    it('refuses what makes no sense, and sets nothing of it', async () => {
      const refused = (entries: BoardEntry[], options?: { ttlMs?: number }) =>
        expect(subject.set(board, entries, options)).rejects.toThrow(RangeError);
      await refused([entry('ann', 1), entry('', 1)]);
      await refused([entry('ann', 1), entry('bob', -1)]);
      await refused([entry('ann', 1), entry('bob', 1.5)]);
      await refused([entry('ann', 1), entry('bob', 1, 0.5)]);
      await refused([entry('ann', 1), entry('bob', 2 ** 53)]);
      await refused([entry('ann', 1)], { ttlMs: 0 });
      await expect(subject.set('', [entry('ann', 1)])).rejects.toThrow(RangeError);
      await expect(subject.top('', { limit: 1 })).rejects.toThrow(RangeError);
      await expect(subject.top(board, { limit: 0 })).rejects.toThrow(RangeError);
      await expect(subject.top(board, { limit: 1_001 })).rejects.toThrow(RangeError);
      await expect(subject.incarnation('')).rejects.toThrow(RangeError);
      expect(await listed()).toBe('');
    });

    it('has set when the reply was lost, and may be told again', async () => {
      await subject.set(board, [entry('ann', 10), entry('bob', 10)]);
      await under.cutNextReply();
      const set = [entry('ann', 20, 2), entry('cid', 20)];
      // An adapter may try again by itself: a set is idempotent.
      await subject.set(board, set, { budgetMs: 3_000 }).catch((fault: unknown) => {
        expect(fault).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' });
      });
      expect(await listed()).toBe('ann 20, cid 20, bob 10');
      await other.set(board, set);
      expect(await listed()).toBe('ann 20, cid 20, bob 10');
    });

    it('ends within its budget when the backend is silent', async () => {
      await subject.set(board, [entry('ann', 10)]);
      const restore = await under.silence();
      try {
        const timedOut = { code: 'TIMEOUT', effect: 'unknown' };
        const startedMs = performance.now();
        await Promise.all([
          expect(subject.set(board, [entry('ann', 20, 2)], { budgetMs: 100 })).rejects.toMatchObject(timedOut),
          expect(subject.top(board, { limit: 1, budgetMs: 100 })).rejects.toMatchObject(timedOut),
          expect(subject.incarnation(board, { budgetMs: 100 })).rejects.toMatchObject(timedOut),
        ]);
        expect(performance.now() - startedMs).toBeLessThan(1_000);
      } finally {
        await restore();
      }
    });

    it('refuses a set with FULL when the backend is full, still lists, and goes on afterwards', async () => {
      await subject.set(board, [entry('ann', 10)]);
      const restore = await under.fill();
      try {
        await expect(subject.set(board, [entry('ann', 20, 2), entry('bob', 5)])).rejects.toMatchObject({
          code: 'FULL',
          effect: 'none',
        });
        expect(await subject.top(board, { limit: 10 })).toEqual([{ rank: 1, member: 'ann', score: 10 }]);
      } finally {
        await restore();
      }
      await subject.set(board, [entry('ann', 20, 2), entry('bob', 5)]);
      expect(await listed()).toBe('ann 20, bob 5');
    });

    it('does nothing when it was aborted before', async () => {
      const signal = AbortSignal.abort();
      await expect(subject.set(board, [entry('ann', 10)], { signal })).rejects.toMatchObject({
        code: 'ABORTED',
        effect: 'none',
      });
      await expect(subject.top(board, { limit: 1, signal })).rejects.toMatchObject({ code: 'ABORTED' });
      expect(await listed()).toBe('');
    });

    it('refuses every call after it was closed, and leaves other handles alone', async () => {
      await under.closeSubject();
      await under.closeSubject();
      const closed = { code: 'CLOSED', effect: 'none' };
      await expect(subject.set(board, [entry('ann', 10)])).rejects.toMatchObject(closed);
      await expect(subject.top(board, { limit: 1 })).rejects.toMatchObject(closed);
      await expect(subject.incarnation(board)).rejects.toMatchObject(closed);
      await other.set(board, [entry('ann', 10)]);
      expect(await listed()).toBe('ann 10');
    });
  });
}
