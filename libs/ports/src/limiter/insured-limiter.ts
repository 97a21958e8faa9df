import { BackendBreaker, type BreakerOptions } from '../call/backend-breaker.js';
import { BackendFault } from '../call/backend-fault.js';
import type { Clock } from '../clock/clock.js';
import { type Asked, checkTake, limitOf } from './fixed-windows.js';
import { LocalLedger } from './local-ledger.js';
import { type Limit, RateLimiter, type Rule, type Take } from './rate-limiter.js';

export interface LocalInsurance {
  /** Processes that share the limits: each takes limit ÷ replicas, rounded down (a limit below that refuses). */
  replicas: number;
  /** Bound of the local counters. Default 50,000; beyond, subjects not met before are refused while the backend is away. */
  maxSubjects?: number;
}

export interface Insurance {
  /**
   * What happens when the backend is away, slow or full. `open`: all is allowed; `closed`: all is refused; `local`:
   * this process counts alone.
   */
  whenAway: 'open' | 'closed' | { local: LocalInsurance };
  /** What a take may cost before the insurance answers. Default 30; 250 with `closed`, where waiting beats refusing. */
  budgetMs?: number;
  breaker?: BreakerOptions;
  clock: Clock;
  /** Told of each fault of the backend that was insured. */
  onFault?: (error: unknown) => void;
}

/**
 * A limiter that always answers. With `local`, a subject gets at most 2 × limit through all replicas in a window,
 * however often the backend goes and comes: limit by the backend's counter, and limit by all the local ones together,
 * which are kept when the backend is back and on which counts, too, what the backend allowed here. (A backend that
 * forgets its counters while away begins its window anew.)
 */
export class InsuredLimiter extends RateLimiter {
  private readonly breaker: BackendBreaker;
  private readonly local: { replicas: number; ledger: LocalLedger } | undefined;

  constructor(
    private readonly limiter: RateLimiter,
    private readonly insurance: Insurance,
  ) {
    super();
    this.breaker = new BackendBreaker('limiter', insurance.breaker);
    if (typeof insurance.whenAway !== 'object') return;
    const { replicas, maxSubjects = 50_000 } = insurance.whenAway.local;
    if (!Number.isSafeInteger(replicas) || replicas < 1) {
      throw new RangeError(`replicas is ${replicas}; it must be an integer from 1`);
    }
    this.local = { replicas, ledger: new LocalLedger(maxSubjects) };
  }

  async take(subject: string, rules: readonly Rule[], options: Take = {}): Promise<Limit> {
    const asked = checkTake(subject, rules, options);
    const key = `${asked.counter} ${subject}`;
    try {
      const limit = await this.breaker.run(() => this.ask(subject, rules, options));
      if (this.local && limit.status === 'allowed' && !asked.peek) {
        this.local.ledger.mirror(key, rules, asked.cost, this.insurance.clock.now());
      }
      return limit;
    } catch (fault) {
      // An aborted caller listens no more; what is no fault of the backend is a bug.
      if (!(fault instanceof BackendFault) || fault.code === 'ABORTED') throw fault;
      return this.answerAlone(key, rules, asked);
    }
  }

  private async ask(subject: string, rules: readonly Rule[], options: Take): Promise<Limit> {
    try {
      const budgetMs = options.budgetMs ?? this.insurance.budgetMs ?? (this.insurance.whenAway === 'closed' ? 250 : 30);
      return await this.limiter.take(subject, rules, { ...options, budgetMs });
    } catch (fault) {
      if (fault instanceof BackendFault && fault.code !== 'ABORTED') this.insurance.onFault?.(fault);
      throw fault;
    }
  }

  private answerAlone(key: string, rules: readonly Rule[], { cost, peek }: Asked): Limit {
    const nowMs = this.insurance.clock.now();
    if (!this.local) return this.byPolicy(this.insurance.whenAway === 'open', rules, cost, nowMs);
    const { replicas, ledger } = this.local;
    const shares = rules.map((rule) => ({ ...rule, limit: Math.floor(rule.limit / replicas) }));
    const taken = ledger.take(key, shares, { cost, peek, nowMs });
    if (!taken) return this.byPolicy(false, rules, cost, nowMs);
    return limitOf(shares, { ...taken, cost, nowMs, source: 'local' });
  }

  private byPolicy(allowed: boolean, rules: readonly Rule[], cost: number, nowMs: number): Limit {
    const counts = rules.map(({ limit }) => (allowed ? 0 : limit));
    const limit = limitOf(rules, { allowed, counts, cost, nowMs, source: 'policy' });
    // The backend may be back long before the window ends.
    return allowed ? limit : { ...limit, retryAfterMs: this.breaker.openMs };
  }
}
