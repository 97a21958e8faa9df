import { ClosedFault } from '../call/backend-fault.js';
import type { Clock, Timer } from '../clock/clock.js';
import type { Lease } from './lock.js';

/**
 * Renews a lease at a third of its time to live until stopped or lost. A renewal that fails is tried again soon, as
 * long as the lease lasts: when none gets through, its signal aborts by itself.
 */
export class Watchdog {
  private timer: Timer | undefined;
  private stopped = false;

  constructor(
    private readonly lease: Lease,
    private readonly options: { ttlMs: number; timeoutMs: number; clock: Clock; onFault: (error: unknown) => void },
  ) {
    this.schedule(options.ttlMs / 3);
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    this.timer = this.options.clock.after(delayMs, () => void this.renew());
  }

  private async renew(): Promise<void> {
    const { ttlMs, timeoutMs, onFault } = this.options;
    const leftMs = this.lease.remainingMs();
    if (leftMs === 0) return;
    try {
      const answer = await this.lease.extend(ttlMs, {
        budgetMs: Math.min(timeoutMs, leftMs),
        signal: this.lease.signal,
      });
      if (answer === 'extended') this.schedule(ttlMs / 3);
    } catch (fault) {
      if (this.stopped || this.lease.signal.aborted) return;
      onFault(fault);
      if (!(fault instanceof ClosedFault)) this.schedule(ttlMs / 12);
    }
  }
}
