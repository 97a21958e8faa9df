import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Troubles } from '../faulty/troubles.js';
import type { Limit, RateLimiter, Rule } from './rate-limiter.js';

/** One backend, seen through two handles of it, as two processes would have them. */
export interface RateLimiterUnderTest extends Troubles {
  /** Befallen by the troubles. */
  readonly subject: RateLimiter;
  readonly other: RateLimiter;
  /** The backend's time, epoch milliseconds. */
  nowMs(): number;
  /** Closes `subject`'s adapter alone; twice does nothing. */
  closeSubject(): Promise<void>;
  /** Closes all. */
  close(): Promise<void>;
}

/** What every `RateLimiter` owes, on every backend. */
export function describeRateLimiterContract(name: string, backend: { open(): Promise<RateLimiterUnderTest> }): void {
  describe(`the rate limiter contract on ${name}`, () => {
    let under: RateLimiterUnderTest;
    let subject: RateLimiter;
    let other: RateLimiter;
    let who: string;

    beforeEach(async () => {
      under = await backend.open();
      ({ subject, other } = under);
      // With all the characters that a key must not trip over.
      who = `user:{1}%:${randomUUID()}`;
      await untilRoomIn(60_000, 2_000);
    });
    afterEach(() => under.close());

    const minute: Rule = { name: 'minute', limit: 5, windowMs: 60_000, algorithm: 'fixed' };
    const hour: Rule = { name: 'hour', limit: 8, windowMs: 3_600_000, algorithm: 'fixed' };
    const brief: Rule = { name: 'brief', limit: 2, windowMs: 400, algorithm: 'fixed' };

    /** Waits, if need be, until the present window has so much left: a test must not run into the next one. */
    async function untilRoomIn(windowMs: number, neededMs: number): Promise<void> {
      const leftMs = windowMs - (under.nowMs() % windowMs);
      if (leftMs < neededMs) await under.advance(leftMs + 1);
    }

    const remaining = (limit: Limit) => limit.windows.map((window) => window.remaining);
    const peek = (rules: readonly Rule[]) => other.take(who, rules, { mode: 'peek' });

    it('allows the limit, then refuses until the window ends', async () => {
      for (let left = 4; left >= 0; left -= 1) {
        const limit = await subject.take(who, [minute]);
        expect(limit).toMatchObject({ status: 'allowed', source: 'shared', retryAfterMs: 0 });
        expect(remaining(limit)).toEqual([left]);
      }
      const refused = await subject.take(who, [minute]);
      expect(refused).toMatchObject({ status: 'limited', source: 'shared' });
      expect(remaining(refused)).toEqual([0]);
      expect(refused.retryAfterMs).toBe(refused.windows[0]?.resetMs);
    });

    it('aligns windows to the epoch', async () => {
      const limit = await subject.take(who, [minute, hour]);
      expect(limit.windows.map(({ rule }) => rule)).toEqual(['minute', 'hour']);
      for (const [i, { windowMs }] of [minute, hour].entries()) {
        const resetMs = limit.windows[i]!.resetMs;
        expect(Number.isInteger(resetMs)).toBe(true);
        expect(Math.abs(resetMs - (windowMs - (under.nowMs() % windowMs)))).toBeLessThan(500);
      }
    });

    it('charges every window or none: a refusal by one leaves the others', async () => {
      for (let i = 0; i < 5; i += 1) expect((await subject.take(who, [minute, hour])).status).toBe('allowed');
      for (let i = 0; i < 3; i += 1) {
        const refused = await subject.take(who, [minute, hour]);
        expect(refused.status).toBe('limited');
        expect(remaining(refused)).toEqual([0, 3]);
      }
      expect(remaining(await peek([minute, hour]))).toEqual([0, 3]);
    });

    it('says when the last of the refusing windows ends', async () => {
      const tight: Rule = { ...hour, limit: 1 };
      await subject.take(who, [minute, tight]);
      const refused = await subject.take(who, [minute, tight]);
      expect(refused.status).toBe('limited');
      expect(refused.retryAfterMs).toBe(refused.windows[1]!.resetMs);
    });

    it('charges nothing for what it refuses: a smaller cost still fits', async () => {
      expect(remaining(await subject.take(who, [minute], { cost: 3 }))).toEqual([2]);
      expect((await subject.take(who, [minute], { cost: 3 })).status).toBe('limited');
      const fitting = await subject.take(who, [minute], { cost: 2 });
      expect(fitting.status).toBe('allowed');
      expect(remaining(fitting)).toEqual([0]);
    });

    it('begins anew with the next window, and only in that one', async () => {
      const long: Rule = { ...hour, limit: 3 };
      let refused: Limit;
      let began: number;
      // Once more, on a busy machine, when the takes did not fall into one window.
      do {
        who = `user:${randomUUID()}`;
        await untilRoomIn(brief.windowMs, 200);
        began = Math.floor(under.nowMs() / brief.windowMs);
        await subject.take(who, [brief, long]);
        await subject.take(who, [brief, long]);
        refused = await subject.take(who, [brief, long]);
      } while (Math.floor(under.nowMs() / brief.windowMs) !== began);
      expect(refused.status).toBe('limited');
      await under.advance(refused.retryAfterMs + 5);
      const next = await subject.take(who, [brief, long]);
      expect(next.status).toBe('allowed');
      expect(remaining(next)).toEqual([1, 0]);
      expect((await subject.take(who, [brief, long])).status).toBe('limited');
    });

    it('allows exactly the limit to many racers, over several handles', async () => {
      const rules = [
        { ...minute, limit: 30 },
        { ...hour, limit: 17 },
      ];
      const racers = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? subject : other));
      const answers = await Promise.all(racers.map((limiter) => limiter.take(who, rules)));
      expect(answers.filter(({ status }) => status === 'allowed')).toHaveLength(17);
      expect(remaining(await peek(rules))).toEqual([13, 0]);
    });

    it('answers racers each in turn: no remainder twice', async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => subject.take(who, [minute])));
      expect(answers.flatMap(remaining).sort()).toEqual([0, 1, 2, 3, 4]);
    });

    it('counts subjects apart', async () => {
      const others = [`${who}:`, who.replace('{1}', '%7B1%7D'), who.toUpperCase(), `${who} `];
      await Promise.all([who, ...others].map((each) => subject.take(each, [minute])));
      for (const each of [who, ...others]) {
        expect(remaining(await other.take(each, [minute], { mode: 'peek' }))).toEqual([4]);
      }
    });

    it('counts rule sets of one subject apart, whatever their limits', async () => {
      await subject.take(who, [minute]);
      await subject.take(who, [{ ...minute, name: 'login' }]);
      await subject.take(who, [{ ...minute, windowMs: 30_000 }]);
      await subject.take(who, [minute, hour]);
      expect(remaining(await subject.take(who, [{ ...minute, limit: 10 }]))).toEqual([8]);
    });

    it('peeks: charges nothing, and allows or refuses like a take', async () => {
      for (let i = 0; i < 3; i += 1) {
        const free = await subject.take(who, [minute], { mode: 'peek', cost: 5 });
        expect(free.status).toBe('allowed');
        expect(remaining(free)).toEqual([5]);
      }
      await subject.take(who, [minute], { cost: 3 });
      const refused = await subject.take(who, [minute], { mode: 'peek', cost: 3 });
      expect(refused.status).toBe('limited');
      expect(refused.retryAfterMs).toBe(refused.windows[0]!.resetMs);
      expect(remaining(refused)).toEqual([2]);
    });

    it('refuses what makes no sense', async () => {
      await expect(subject.take('', [minute])).rejects.toThrow(RangeError);
      await expect(subject.take(who, [])).rejects.toThrow(RangeError);
      await expect(subject.take(who, [minute, { ...hour, name: 'minute' }])).rejects.toThrow(RangeError);
      await expect(subject.take(who, [minute], { cost: 0 })).rejects.toThrow(RangeError);
      await expect(subject.take(who, [minute], { cost: 1.5 })).rejects.toThrow(RangeError);
      await expect(subject.take(who, [minute], { cost: 6 })).rejects.toThrow(RangeError);
      await expect(subject.take(who, [{ ...minute, limit: 0 }])).rejects.toThrow(RangeError);
      await expect(subject.take(who, [{ ...minute, windowMs: 0 }])).rejects.toThrow(RangeError);
    });

    it('charges at most once when the reply was lost, and says that it does not know', async () => {
      await subject.take(who, [minute]);
      await under.cutNextReply();
      await expect(subject.take(who, [minute], { budgetMs: 1_000 })).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        effect: 'unknown',
      });
      expect(remaining(await peek([minute]))).toEqual([3]);
    });

    it('ends within its budget when the backend is silent', async () => {
      await subject.take(who, [minute]);
      const restore = await under.silence();
      try {
        const startedMs = performance.now();
        await expect(subject.take(who, [minute], { budgetMs: 100 })).rejects.toMatchObject({
          code: 'TIMEOUT',
          effect: 'unknown',
        });
        expect(performance.now() - startedMs).toBeLessThan(1_000);
      } finally {
        await restore();
      }
    });

    it('refuses with FULL when the backend is full, charges nothing, and goes on afterwards', async () => {
      await subject.take(who, [minute]);
      const restore = await under.fill();
      try {
        await expect(subject.take(who, [minute])).rejects.toMatchObject({ code: 'FULL', effect: 'none' });
      } finally {
        await restore();
      }
      expect(remaining(await subject.take(who, [minute]))).toEqual([3]);
    });

    it('does nothing when it was aborted before', async () => {
      const signal = AbortSignal.abort();
      await expect(subject.take(who, [minute], { signal })).rejects.toMatchObject({ code: 'ABORTED', effect: 'none' });
      expect(remaining(await peek([minute]))).toEqual([5]);
    });

    it('refuses every call after it was closed, and leaves other handles alone', async () => {
      await under.closeSubject();
      await under.closeSubject();
      await expect(subject.take(who, [minute])).rejects.toMatchObject({ code: 'CLOSED', effect: 'none' });
      expect((await other.take(who, [minute])).status).toBe('allowed');
    });
  });
}
