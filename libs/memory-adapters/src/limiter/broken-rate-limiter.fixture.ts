import { type Clock, type Limit, type Rule, type Take } from '@redstart/ports';
import { describeRateLimiterContract } from '@redstart/ports/contracts';
import { MemoryRateLimiter, type MemoryWindows } from './memory-rate-limiter.js';
import { openMemoryRateLimiter } from './memory-rate-limiter.subject.js';

// Run by broken-rate-limiter.spec.ts: the suite must refuse this adapter.

/** Counts what it refuses, in the rules that had room: what two limiters asked one after the other do. */
class ChargesOnRefusal extends MemoryRateLimiter {
  constructor(
    private readonly all: MemoryWindows,
    private readonly time: Clock,
  ) {
    super(all, time);
  }

  override async take(subject: string, rules: readonly Rule[], options: Take = {}): Promise<Limit> {
    const limit = await super.take(subject, rules, options);
    if (limit.status === 'allowed' || options.mode === 'peek') return limit;
    const nowMs = this.time.now();
    const counter = `${rules.map(({ name, windowMs }) => `${name}/${windowMs}`).join(',')} ${subject}`;
    const counted = rules.map((rule, i) => ({
      index: Math.floor(nowMs / rule.windowMs),
      count: rule.limit - Math.max(0, (limit.windows[i]?.remaining ?? 0) - (options.cost ?? 1)),
    }));
    this.all.write(counter, counted, { endsMs: Infinity, nowMs });
    return limit;
  }
}

describeRateLimiterContract('a broken adapter', {
  open: () => openMemoryRateLimiter((windows, clock) => new ChargesOnRefusal(windows, clock)),
});
