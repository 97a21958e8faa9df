import type { Clock } from '../clock/clock.js';
import { AbortedFault, TimeoutFault } from './backend-fault.js';
import type { Call } from './call.js';

/** The end of a call that takes several steps. */
export class Deadline {
  private readonly endsAtMs: number;
  private readonly signal: AbortSignal | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly operation: string,
    options: { budgetMs: number; signal?: AbortSignal | undefined },
  ) {
    this.endsAtMs = clock.monotonicMs() + options.budgetMs;
    this.signal = options.signal;
  }

  remainingMs(): number {
    return Math.max(0, this.endsAtMs - this.clock.monotonicMs());
  }

  /** What a step may take: `stepMs`, or what is left of the whole. */
  step(stepMs: number): Call {
    return { budgetMs: Math.min(stepMs, this.remainingMs()), ...(this.signal ? { signal: this.signal } : {}) };
  }

  /** @throws TimeoutFault or AbortedFault once there is no time left */
  check(): void {
    if (this.signal?.aborted) throw this.aborted();
    if (this.remainingMs() <= 0) throw this.passed();
  }

  /**
   * The outcome of `work`, or a fault at the deadline; `work` itself goes on.
   * @throws TimeoutFault, AbortedFault, or what `work` throws
   */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => settle(() => reject(this.aborted()));
      const timer = this.clock.after(this.remainingMs(), () => settle(() => reject(this.passed())));
      const settle = (how: () => void) => {
        timer.cancel();
        this.signal?.removeEventListener('abort', onAbort);
        how();
      };
      if (this.signal?.aborted) onAbort();
      else this.signal?.addEventListener('abort', onAbort, { once: true });
      work.then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(error as Error)),
      );
    });
  }

  private passed(): TimeoutFault {
    return new TimeoutFault('no answer within its budget', { effect: 'unknown', operation: this.operation });
  }

  private aborted(): AbortedFault {
    return new AbortedFault("the caller's signal ended the wait", {
      effect: 'unknown',
      operation: this.operation,
      cause: this.signal?.reason,
    });
  }
}
