import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually/eventually.js';
import type { Troubles } from '../faulty/troubles.js';
import type { Acquired, Lease, Lock } from './lock.js';
import type { LockDriver, LockTaken } from './lock-driver.js';

/** One backend, seen through two handles of it, as two processes would have them. */
export interface LockUnderTest extends Troubles {
  /** Befallen by the troubles. */
  readonly subject: Lock;
  readonly other: Lock;
  /** What `other` drives. */
  readonly driver: LockDriver;
  /** Closes `subject`'s adapter alone; twice does nothing. */
  closeSubject(): Promise<void>;
  /** Closes all. */
  close(): Promise<void>;
}

/** What every `Lock` owes, on every backend. */
export function describeLockContract(name: string, backend: { open(): Promise<LockUnderTest> }): void {
  describe(`the lock contract on ${name}`, () => {
    let under: LockUnderTest;
    let subject: Lock;
    let other: Lock;
    let resource: string;

    beforeEach(async () => {
      under = await backend.open();
      ({ subject, other } = under);
      // With all the characters that a key must not trip over.
      resource = `order:{1}%:${randomUUID()}`;
    });
    afterEach(() => under.close());

    const long = { ttlMs: 20_000 };
    const short = { ttlMs: 400 };

    /** Moves on in small steps until the other handle gets the resource. */
    async function takenOver(options: { onceHeld?: () => void } = {}): Promise<Lease> {
      for (let step = 0; step < 2_000; step += 1) {
        const attempt = await other.acquire(resource, long);
        if (attempt.status === 'held') {
          options.onceHeld?.();
          return attempt.lease;
        }
        await under.advance(2);
      }
      throw new Error('the resource was never taken over');
    }

    describe('acquire', () => {
      it('gives a free resource to one and tells the other when the lease runs out', async () => {
        const lease = held(await subject.acquire(resource, long));
        expect(lease.resource).toBe(resource);
        expect(lease.signal.aborted).toBe(false);
        expect(lease.remainingMs()).toBeGreaterThan(15_000);
        expect(lease.remainingMs()).toBeLessThanOrEqual(long.ttlMs);
        const answer = await other.acquire(resource, long);
        expect(answer).toEqual({ status: 'busy', retryAfterMs: expect.any(Number) });
        const { retryAfterMs } = answer as { retryAfterMs: number };
        expect(retryAfterMs).toBeGreaterThan(15_000);
        expect(retryAfterMs).toBeLessThanOrEqual(long.ttlMs);
      });

      it('refuses the holder itself a second time', async () => {
        held(await subject.acquire(resource, long));
        expect(await subject.acquire(resource, long)).toMatchObject({ status: 'busy' });
      });

      it('keeps resources apart', async () => {
        held(await subject.acquire(resource, long));
        held(await subject.acquire(`${resource}:items`, long));
        held(await other.acquire(resource.replace('{1}', '%7B1%7D'), long));
      });

      it('gives a resource to one of many racers, over several handles', async () => {
        const racers = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? subject : other));
        const answers = await Promise.all(racers.map((lock) => lock.acquire(resource, long)));
        expect(answers.filter(({ status }) => status === 'held')).toHaveLength(1);
        expect(answers.filter(({ status }) => status === 'busy')).toHaveLength(39);
      });

      it('gives the resource to another once the lease has run out, and not before', async () => {
        held(await subject.acquire(resource, short));
        expect(await other.acquire(resource, short)).toMatchObject({ status: 'busy' });
        await under.advance(short.ttlMs + 5);
        held(await other.acquire(resource, short));
      });

      it('refuses an empty resource, a lease that is no time, and a negative wait', async () => {
        await expect(subject.acquire('', long)).rejects.toThrow(RangeError);
        await expect(subject.acquire(resource, { ttlMs: 0 })).rejects.toThrow(RangeError);
        await expect(subject.acquire(resource, { ttlMs: 100.5 })).rejects.toThrow(RangeError);
        await expect(subject.acquire(resource, { ttlMs: 100, waitMs: -1 })).rejects.toThrow(RangeError);
      });

      it('does nothing when it was aborted before', async () => {
        const signal = AbortSignal.abort();
        await expect(subject.acquire(resource, { ...long, signal })).rejects.toMatchObject({
          code: 'ABORTED',
          effect: 'none',
        });
        held(await other.acquire(resource, long));
      });
    });

    describe('waiting', () => {
      it('gets the resource once the holder releases it', async () => {
        const lease = held(await other.acquire(resource, long));
        const waiting = subject.acquire(resource, { ...long, waitMs: 10_000 });
        await under.advance(60);
        await lease.release();
        expect((await moving(waiting)).status).toBe('held');
      });

      it('gets the resource once the lease of a dead holder has run out', async () => {
        held(await other.acquire(resource, short));
        const waiting = subject.acquire(resource, { ...long, waitMs: 10_000 });
        expect((await moving(waiting)).status).toBe('held');
      });

      it('ends as busy when the wait is over', async () => {
        held(await other.acquire(resource, long));
        const waiting = subject.acquire(resource, { ...long, waitMs: 120 });
        expect((await moving(waiting)).status).toBe('busy');
      });

      it('ends at once when it is aborted', async () => {
        held(await other.acquire(resource, long));
        const controller = new AbortController();
        const waiting = subject.acquire(resource, { ...long, waitMs: 60_000, signal: controller.signal });
        const ended = expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
        await under.advance(30);
        controller.abort();
        await ended;
      });

      it('lets every waiter have its turn', async () => {
        let working = 0;
        let most = 0;
        const turns = Array.from({ length: 6 }, (_, i) =>
          (i % 2 === 0 ? subject : other).withLock(resource, { ...long, waitMs: 60_000 }, async () => {
            most = Math.max(most, ++working);
            await Promise.resolve();
            working -= 1;
          }),
        );
        await moving(Promise.all(turns));
        expect(most).toBe(1);
      });

      /** Lets time pass until it settles. */
      async function moving<T>(waiting: Promise<T>): Promise<T> {
        let settled = false;
        const done = waiting.finally(() => (settled = true));
        for (let step = 0; step < 2_000 && !settled; step += 1) await under.advance(5);
        return done;
      }
    });

    describe('release', () => {
      it('frees the resource at once and ends the lease', async () => {
        const lease = held(await subject.acquire(resource, long));
        expect(await lease.release()).toBe('released');
        expect(lease.signal.aborted).toBe(true);
        expect(lease.remainingMs()).toBe(0);
        held(await other.acquire(resource, long));
      });

      it('refuses a release by anyone but the holder', async () => {
        const stale = held(await subject.acquire(resource, short));
        await under.advance(short.ttlMs + 5);
        const present = held(await other.acquire(resource, long));
        expect(await stale.release()).toBe('lost');
        expect(await subject.acquire(resource, long)).toMatchObject({ status: 'busy' });
        expect(await present.release()).toBe('released');
      });

      it('says lost when the lease had run out and nobody took over', async () => {
        const lease = held(await subject.acquire(resource, short));
        await under.advance(short.ttlMs + 5);
        expect(await lease.release()).toBe('lost');
      });

      it('answers a second release like the first, and harms no later holder', async () => {
        const lease = held(await subject.acquire(resource, long));
        expect(await Promise.all([lease.release(), lease.release()])).toEqual(['released', 'released']);
        const later = held(await other.acquire(resource, long));
        expect(await lease.release()).toBe('released');
        expect(await later.extend(20_000)).toBe('extended');
      });

      it('is done by disposing', async () => {
        {
          await using lease = held(await subject.acquire(resource, long));
          expect(lease.signal.aborted).toBe(false);
        }
        held(await other.acquire(resource, long));
      });
    });

    describe('extend', () => {
      it('keeps the resource past its first lease', async () => {
        const lease = held(await subject.acquire(resource, short));
        expect(await lease.extend(20_000)).toBe('extended');
        expect(lease.remainingMs()).toBeGreaterThan(15_000);
        await under.advance(short.ttlMs + 5);
        expect(await other.acquire(resource, long)).toMatchObject({ status: 'busy' });
        expect(lease.signal.aborted).toBe(false);
        expect(await lease.release()).toBe('released');
      });

      it('may shorten the lease', async () => {
        const lease = held(await subject.acquire(resource, long));
        expect(await lease.extend(100)).toBe('extended');
        await under.advance(105);
        held(await other.acquire(resource, long));
        expect(lease.signal.aborted).toBe(true);
      });

      it('says lost after the lease ran out, and takes nothing from the next holder', async () => {
        const lease = held(await subject.acquire(resource, short));
        await under.advance(short.ttlMs + 5);
        expect(await lease.extend(20_000)).toBe('lost');
        const next = held(await other.acquire(resource, long));
        expect(await lease.extend(20_000)).toBe('lost');
        expect(await next.release()).toBe('released');
      });

      it('says lost after the release', async () => {
        const lease = held(await subject.acquire(resource, long));
        await lease.release();
        expect(await lease.extend(20_000)).toBe('lost');
        held(await other.acquire(resource, long));
      });
    });

    describe('signal', () => {
      it('aborts before another can hold the resource', async () => {
        const lease = held(await subject.acquire(resource, short));
        await takenOver({
          onceHeld: () => {
            expect(lease.signal.aborted).toBe(true);
            expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST', resource, fence: lease.fence });
            expect(lease.remainingMs()).toBe(0);
          },
        });
      });
    });

    describe('fence', () => {
      it('is higher for each later holder, and a safe integer', async () => {
        const fences: number[] = [];
        for (let i = 0; i < 12; i += 1) {
          const lease = held(await (i % 2 === 0 ? subject : other).acquire(resource, long));
          fences.push(lease.fence);
          await lease.release();
        }
        expect(fences.every(Number.isSafeInteger)).toBe(true);
        expect(fences.every((fence, i) => i === 0 || fence > fences[i - 1]!)).toBe(true);
      });

      it('is about the time in microseconds, so that a backend that lost everything goes on above', async () => {
        const first = held(await subject.acquire(resource, long)).fence;
        await under.advance(50);
        const second = held(await subject.acquire(`${resource}:2`, long)).fence;
        expect(second - first).toBeGreaterThanOrEqual(50_000);
        expect(first).toBeGreaterThan(Date.UTC(2025, 0, 1) * 1_000);
      });

      it('keeps a stale holder from writing, once the next one has claimed', async () => {
        const guarded = new GuardedRow();
        const stale = held(await subject.acquire(resource, short));
        expect(guarded.claim(stale.fence)).toBe(true);
        expect(guarded.write(stale.fence, 'first')).toBe(true);
        await under.advance(short.ttlMs + 5);
        const present = held(await other.acquire(resource, long));
        expect(guarded.claim(present.fence)).toBe(true);
        expect(guarded.write(stale.fence, 'late')).toBe(false);
        expect(guarded.claim(stale.fence)).toBe(false);
        expect(guarded.write(present.fence, 'second')).toBe(true);
        expect(guarded.value).toBe('second');
      });
    });

    describe('withLock', () => {
      it('answers what the work answers, and releases', async () => {
        const answer = await subject.withLock(resource, long, async (lease) => {
          expect(await other.acquire(resource, long)).toMatchObject({ status: 'busy' });
          return lease.fence;
        });
        expect(answer).toEqual(expect.any(Number));
        held(await other.acquire(resource, long));
      });

      it('throws what the work throws, and releases', async () => {
        const failing = subject.withLock(resource, long, async () => Promise.reject(new Error('its own')));
        await expect(failing).rejects.toThrow('its own');
        held(await other.acquire(resource, long));
      });

      it('throws LockBusyError while another holds the resource', async () => {
        held(await other.acquire(resource, long));
        let worked = false;
        const refused = subject.withLock(resource, long, async () => (worked = true));
        await expect(refused).rejects.toMatchObject({ code: 'LOCK_BUSY', resource, retryAfterMs: expect.any(Number) });
        expect(worked).toBe(false);
      });

      it('keeps the resource for as long as the work takes', async () => {
        const ttlMs = 600;
        await subject.withLock(resource, { ttlMs }, async (lease) => {
          for (let i = 0; i < 5; i += 1) {
            await under.advance(ttlMs / 2);
            expect(await other.acquire(resource, long)).toMatchObject({ status: 'busy' });
            expect(lease.signal.aborted).toBe(false);
          }
        });
        held(await other.acquire(resource, long));
      });

      it('aborts the work before another can hold the resource, when it cannot renew', async () => {
        let aborted = false;
        let restore = async () => {};
        const working = subject.withLock(resource, short, async (lease) => {
          lease.signal.addEventListener('abort', () => (aborted = true));
          restore = await under.silence();
          for (let step = 0; step < 400 && !aborted; step += 1) await under.advance(2);
          return 'done without the lock';
        });
        const lost = expect(working).rejects.toMatchObject({ code: 'LOCK_LOST', resource });
        await eventually(() => expect(aborted).toBe(true)).finally(() => restore());
        await lost;
        await takenOver();
      });

      it('says that the lock was lost, with what the work threw', async () => {
        const cause = new Error('stopped half-way');
        const working = subject.withLock(resource, long, async (lease) => {
          await lease.extend(20);
          await under.advance(30);
          throw cause;
        });
        await expect(working).rejects.toMatchObject({ code: 'LOCK_LOST', cause });
      });

      it('ends well when the work released the lease itself', async () => {
        const working = subject.withLock(resource, long, async (lease) => lease.release());
        expect(await working).toBe('released');
      });
    });

    describe('token', () => {
      it('takes again what it holds, with the same fence and a whole lease', async () => {
        const first = await under.driver.take(resource, 'mine', short.ttlMs);
        await under.advance(250);
        expect(await under.driver.take(resource, 'mine', short.ttlMs)).toEqual(first);
        await under.advance(250);
        expect(await under.driver.take(resource, 'yours', short.ttlMs)).toMatchObject({ status: 'busy' });
      });

      it('gets a higher fence when it comes back after its lease ran out', async () => {
        const first = await under.driver.take(resource, 'mine', 20);
        await under.advance(25);
        const second = await under.driver.take(resource, 'mine', 20);
        expect(fenceOf(second)).toBeGreaterThan(fenceOf(first));
      });

      it('releases nothing that another token holds', async () => {
        await under.driver.take(resource, 'mine', 20_000);
        expect(await under.driver.release(resource, 'yours')).toBe('lost');
        expect(await under.driver.renew(resource, 'mine', 20_000)).toBe('renewed');
        expect(await under.driver.release(resource, 'mine')).toBe('released');
      });

      it('renews nothing that another token holds', async () => {
        await under.driver.take(resource, 'mine', 60);
        expect(await under.driver.renew(resource, 'yours', 20_000)).toBe('lost');
        await under.advance(65);
        expect(await under.driver.take(resource, 'yours', 20_000)).toMatchObject({ status: 'taken' });
      });

      it('neither renews nor releases what nobody holds', async () => {
        expect(await under.driver.renew(resource, 'mine', 20_000)).toBe('lost');
        expect(await under.driver.release(resource, 'mine')).toBe('lost');
        expect(await under.driver.take(resource, 'yours', 20)).toMatchObject({ status: 'taken' });
        await under.advance(25);
        expect(await under.driver.renew(resource, 'yours', 20_000)).toBe('lost');
        expect(await under.driver.release(resource, 'yours')).toBe('lost');
      });

      function fenceOf(taken: LockTaken): number {
        if (taken.status !== 'taken') throw new Error('expected the token to hold the resource');
        return taken.fence;
      }
    });

    describe('faults', () => {
      it('finds its own lease again when the reply to the take was lost', async () => {
        await under.cutNextReply();
        const lease = held(await subject.acquire(resource, { ...long, budgetMs: 3_000 }));
        expect(await other.acquire(resource, long)).toMatchObject({ status: 'busy' });
        expect(await lease.release()).toBe('released');
        expect(held(await other.acquire(resource, long)).fence).toBeGreaterThan(lease.fence);
      });

      it('has released when the reply to the release was lost', async () => {
        const lease = held(await subject.acquire(resource, long));
        await under.cutNextReply();
        expect(await lease.release({ budgetMs: 3_000 })).toBe('released');
        held(await other.acquire(resource, long));
      });

      it('has extended when the reply to the renewal was lost', async () => {
        const lease = held(await subject.acquire(resource, { ttlMs: 1_000 }));
        await under.cutNextReply();
        expect(await lease.extend(20_000, { budgetMs: 900 })).toBe('extended');
        await under.advance(1_005);
        expect(await other.acquire(resource, long)).toMatchObject({ status: 'busy' });
      });

      it('ends within its budget when the backend is silent, and gives back what it may have taken', async () => {
        // A connection that stands: a silent backend is something else than an absent one.
        held(await subject.acquire(`${resource}:before`, long));
        const restore = await under.silence();
        const startedMs = performance.now();
        try {
          await expect(subject.acquire(resource, { ...long, budgetMs: 150 })).rejects.toMatchObject({
            code: 'TIMEOUT',
            effect: 'unknown',
          });
          expect(performance.now() - startedMs).toBeLessThan(1_000);
        } finally {
          await restore();
        }
        await takenOver();
      });

      it('takes, extends and releases although the backend is full', async () => {
        const before = held(await subject.acquire(`${resource}:before`, long));
        const restore = await under.fill();
        try {
          const lease = held(await subject.acquire(resource, long));
          expect(await lease.extend(20_000)).toBe('extended');
          expect(await lease.release()).toBe('released');
          expect(await before.release()).toBe('released');
        } finally {
          await restore();
        }
        held(await other.acquire(resource, long));
      });

      it('refuses every call after it was closed, and leaves other handles alone', async () => {
        const lease = held(await subject.acquire(resource, long));
        await under.closeSubject();
        await under.closeSubject();
        const closed = { code: 'CLOSED', effect: 'none' };
        await expect(subject.acquire(`${resource}:2`, long)).rejects.toMatchObject(closed);
        await expect(lease.extend(20_000)).rejects.toMatchObject(closed);
        await expect(lease.release()).rejects.toMatchObject(closed);
        held(await other.acquire(`${resource}:2`, long));
      });
    });
  });
}

function held(acquired: Acquired): Lease {
  if (acquired.status !== 'held') throw new Error(`expected the lock to be held, it is ${JSON.stringify(acquired)}`);
  return acquired.lease;
}

/** A store that guards itself by fence, as `update … set fence = $n where fence < $n`, then `… where fence = $n` does. */
class GuardedRow {
  value = '';
  private fence = 0;

  claim(fence: number): boolean {
    if (this.fence >= fence) return false;
    this.fence = fence;
    return true;
  }

  write(fence: number, value: string): boolean {
    if (this.fence !== fence) return false;
    this.value = value;
    return true;
  }
}
