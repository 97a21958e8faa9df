import {
  charged,
  checkTake,
  type Clock,
  type Counted,
  fits,
  lastEndMs,
  type Limit,
  limitOf,
  presentCounts,
  RateLimiter,
  type Rule,
  type Take,
} from '@redstart/ports';
import { OpenHandle } from '../open-handle.js';

/** What the limiters of one backend share: windows by counter, until the last of them ends. */
export class MemoryWindows {
  private readonly counters = new Map<string, { counted: Counted[]; endsMs: number }>();
  private sweepAtSize = 1_024;

  read(counter: string): Counted[] | undefined {
    return this.counters.get(counter)?.counted;
  }

  write(counter: string, counted: Counted[], { endsMs, nowMs }: { endsMs: number; nowMs: number }): void {
    this.counters.set(counter, { counted, endsMs });
    if (this.counters.size < this.sweepAtSize) return;
    for (const [name, entry] of this.counters) if (entry.endsMs <= nowMs) this.counters.delete(name);
    this.sweepAtSize = Math.max(1_024, 2 * this.counters.size);
  }
}

export class MemoryRateLimiter extends RateLimiter {
  private readonly handle = new OpenHandle('limiter');

  constructor(
    private readonly windows: MemoryWindows,
    private readonly clock: Clock,
  ) {
    super();
  }

  async take(subject: string, rules: readonly Rule[], options?: Take): Promise<Limit> {
    const { cost, peek, counter } = checkTake(subject, rules, options);
    this.handle.enter('take', options);
    const nowMs = this.clock.now();
    const key = `${counter} ${subject}`;
    const before = presentCounts(rules, this.windows.read(key), nowMs);
    const allowed = fits(rules, before, cost);
    if (!allowed || peek) return limitOf(rules, { allowed, counts: before, cost, nowMs, source: 'shared' });
    const counted = charged(rules, before, cost, nowMs);
    this.windows.write(key, counted, { endsMs: lastEndMs(rules, nowMs), nowMs });
    const counts = counted.map(({ count }) => count);
    return limitOf(rules, { allowed, counts, cost, nowMs, source: 'shared' });
  }

  close(): void {
    this.handle.close();
  }
}
