import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Insurance, InsuredLimiter, RateLimiter, type Rule } from '@redstart/ports';
import { eventually, faulty, type Faults } from '@redstart/ports/contracts';
import { ManualClock } from '../clock/manual-clock.js';
import { MemoryRateLimiter, MemoryWindows } from './memory-rate-limiter.js';

const minute: Rule = { name: 'minute', limit: 10, windowMs: 60_000, algorithm: 'fixed' };

let clock: ManualClock;
let windows: MemoryWindows;

beforeEach(() => {
  clock = new ManualClock();
  windows = new MemoryWindows();
});

/** One replica with its own connection to the shared backend, which `faults` befall. */
function replica(faults: Faults, insurance: Partial<Insurance> = {}) {
  let calls = 0;
  const counted: Pick<RateLimiter, 'take'> = faulty(new MemoryRateLimiter(windows, clock), faults);
  class Counting extends RateLimiter {
    take(...args: Parameters<RateLimiter['take']>) {
      calls += 1;
      return counted.take(...args);
    }
  }
  // A breaker that tries at every call: cockatiel's time is the machine's, which these tests do not move.
  const settings: Insurance = { whenAway: { local: { replicas: 1 } }, clock, breaker: { openMs: 0 }, ...insurance };
  return { limiter: new InsuredLimiter(new Counting(), settings), calls: () => calls };
}

async function allowed(limiter: RateLimiter, times: number, subject = 'user'): Promise<number> {
  let count = 0;
  for (let i = 0; i < times; i += 1) if ((await limiter.take(subject, [minute])).status === 'allowed') count += 1;
  return count;
}

describe('an insured limiter', () => {
  it('is the shared one while the backend answers', async () => {
    const { limiter } = replica({});
    expect(await limiter.take('user', [minute])).toMatchObject({ status: 'allowed', source: 'shared' });
    expect(await allowed(limiter, 20)).toBe(9);
    expect(await limiter.take('user', [minute])).toMatchObject({ status: 'limited', source: 'shared' });
  });

  it('allows all by policy when it fails open', async () => {
    const { limiter } = replica({ failRate: 1 }, { whenAway: 'open' });
    expect(await allowed(limiter, 25)).toBe(25);
    expect(await limiter.take('user', [minute])).toEqual({
      status: 'allowed',
      source: 'policy',
      retryAfterMs: 0,
      windows: [{ rule: 'minute', remaining: 10, resetMs: 60_000 }],
    });
  });

  it('refuses all by policy when it fails closed, and says to come back soon', async () => {
    const { limiter } = replica({ failRate: 1 }, { whenAway: 'closed', breaker: { openMs: 1_000 } });
    expect(await limiter.take('user', [minute])).toEqual({
      status: 'limited',
      source: 'policy',
      retryAfterMs: 1_000,
      windows: [{ rule: 'minute', remaining: 0, resetMs: 60_000 }],
    });
  });

  it('counts alone, at its share of the limit, when insured locally', async () => {
    const { limiter } = replica({ failRate: 1 }, { whenAway: { local: { replicas: 3 } } });
    expect(await limiter.take('user', [minute])).toEqual({
      status: 'allowed',
      source: 'local',
      retryAfterMs: 0,
      windows: [{ rule: 'minute', remaining: 2, resetMs: 60_000 }],
    });
    expect(await allowed(limiter, 10)).toBe(2);
    expect(await limiter.take('user', [minute])).toMatchObject({
      status: 'limited',
      source: 'local',
      retryAfterMs: 60_000,
    });
    expect((await limiter.take('another', [minute])).status).toBe('allowed');
    await clock.advance(60_000);
    expect(await allowed(limiter, 10)).toBe(3);
  });

  it('peeks locally without charging', async () => {
    const { limiter } = replica({ failRate: 1 });
    for (let i = 0; i < 20; i += 1) {
      expect((await limiter.take('user', [minute], { mode: 'peek' })).status).toBe('allowed');
    }
    expect(await allowed(limiter, 20)).toBe(10);
  });

  it('counts locally what the backend allowed here before it went away', async () => {
    const faults: Faults = {};
    const { limiter } = replica(faults);
    expect(await allowed(limiter, 7)).toBe(7);
    faults.failRate = 1;
    expect(await allowed(limiter, 20)).toBe(3);
  });

  it('keeps its local counts while the backend comes and goes', async () => {
    const faults: Faults = { failRate: 1 };
    const { limiter } = replica(faults, { whenAway: { local: { replicas: 2 } } });
    expect(await allowed(limiter, 20)).toBe(5);
    for (let flap = 0; flap < 5; flap += 1) {
      faults.failRate = 0;
      await limiter.take('someone', [minute]);
      faults.failRate = 1;
      expect(await allowed(limiter, 20)).toBe(0);
    }
  });

  it('insures a full backend, a silent one and lost replies', async () => {
    const never = new Promise<void>(() => undefined);
    for (const faults of [{ full: ['take'] }, { silentUntil: never }, { loseReplies: 1 }] satisfies Faults[]) {
      const { limiter } = replica(faults);
      expect(await limiter.take(JSON.stringify(faults), [minute])).toMatchObject({
        status: 'allowed',
        source: 'local',
      });
    }
  });

  it('tells of the faults that it insures', async () => {
    const seen: unknown[] = [];
    const { limiter } = replica({ failRate: 1 }, { onFault: (fault) => seen.push(fault) });
    await limiter.take('user', [minute]);
    expect(seen).toEqual([expect.objectContaining({ code: 'UNAVAILABLE' })]);
  });

  it('passes on what is no fault of the backend', async () => {
    const { limiter } = replica({}, { whenAway: 'open' });
    await expect(limiter.take('', [minute])).rejects.toThrow(RangeError);
    const signal = AbortSignal.abort();
    await expect(limiter.take('user', [minute], { signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('does not pay a time-out for each call of an outage', async () => {
    const { limiter, calls } = replica(
      { silentUntil: new Promise<void>(() => undefined) },
      { whenAway: 'open', budgetMs: 20, breaker: { failures: 3, openMs: 60_000 } },
    );
    const startedMs = performance.now();
    expect(await allowed(limiter, 200)).toBe(200);
    expect(calls()).toBe(3);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it('goes back to the backend by itself', async () => {
    const faults: Faults = { failRate: 1 };
    const { limiter } = replica(faults, { breaker: { failures: 1, openMs: 20 } });
    expect((await limiter.take('user', [minute], { mode: 'peek' })).source).toBe('local');
    faults.failRate = 0;
    await eventually(async () => {
      expect((await limiter.take('user', [minute], { mode: 'peek' })).source).toBe('shared');
    });
  });

  it('stays within its memory, and refuses rather than forget whom it let through', async () => {
    const { limiter } = replica({ failRate: 1 }, { whenAway: { local: { replicas: 1, maxSubjects: 100 } } });
    for (let i = 0; i < 100; i += 1) expect(await allowed(limiter, 1, `user ${i}`)).toBe(1);
    expect(await limiter.take('user 100', [minute])).toMatchObject({ status: 'limited', source: 'policy' });
    expect(await allowed(limiter, 20, 'user 0')).toBe(9);
    await clock.advance(60_000);
    expect(await allowed(limiter, 1, 'user 100')).toBe(1);
  });

  it('gives way, in its memory, to whom it must remember', async () => {
    const faults: Faults = {};
    const { limiter } = replica(faults, { whenAway: { local: { replicas: 1, maxSubjects: 10 } } });
    for (let i = 0; i < 50; i += 1) await allowed(limiter, 1, `served ${i}`);
    faults.failRate = 1;
    for (let i = 0; i < 10; i += 1) expect(await allowed(limiter, 20, `user ${i}`)).toBe(10);
    expect(await allowed(limiter, 20, 'user 0')).toBe(0);
  });

  it.each([1, 2, 3, 7, 42])('admits at most 2 × limit in a window while the backend flaps (seed %i)', async (seed) => {
    const rules = [minute, { ...minute, name: 'hour', limit: 40, windowMs: 3_600_000 }];
    const faults: Faults[] = [1, 2, 3].map((i) => ({ seed: seed * 10 + i, failRate: 0.3, loseReplies: 0.2 }));
    const replicas = faults.map((each) => replica(each, { whenAway: { local: { replicas: 3 } } }).limiter);
    const byWindow = new Map<string, number>();
    const sources = new Set<string>();
    for (let i = 0; i < 3_000; i += 1) {
      // Now and then a replica is cut off for a while, or has the backend for itself.
      const flapping = faults[i % 3]!;
      if (i % 50 === seed % 50) flapping.failRate = [0, 0.5, 1][(i + seed) % 3]!;
      const limit = await replicas[(i * seed) % 3]!.take('user', rules);
      sources.add(limit.source);
      if (limit.status === 'allowed') {
        for (const { name, windowMs } of rules) {
          const window = `${name} ${Math.floor(clock.now() / windowMs)}`;
          byWindow.set(window, (byWindow.get(window) ?? 0) + 1);
        }
      }
      await clock.advance(500);
    }
    for (const [window, count] of byWindow) {
      expect({ window, count, tooMany: count > (window.startsWith('hour') ? 80 : 20) }).toMatchObject({
        tooMany: false,
      });
    }
    expect(sources).toEqual(new Set(['shared', 'local']));
  });
});
