import { ClosedFault } from '../call/backend-fault.js';
import type { Call } from '../call/call.js';
import type { Clock, Timer } from '../clock/clock.js';
import type { Lease } from './lock.js';
import type { LockDriver } from './lock-driver.js';
import { LockLostError } from './lock-errors.js';
import { repeatUnknown } from './repeat-unknown.js';

export interface LeaseParts {
  driver: LockDriver;
  clock: Clock;
  /** Default budget of a call. */
  timeoutMs: number;
  onFault: (error: unknown) => void;
  resource: string;
  token: string;
  fence: number;
  ttlMs: number;
  /** When the take was sent, by the monotonic clock: the backend's lease began no earlier. */
  sentMs: number;
}

/**
 * A lease counted on this process's monotonic clock from before it was asked for, so it ends here before it ends in the
 * backend, however slow the reply was.
 */
export class DrivenLease implements Lease {
  readonly resource: string;
  readonly fence: number;
  readonly signal: AbortSignal;
  private readonly aborts = new AbortController();
  private state: 'held' | 'releasing' | 'lost' = 'held';
  private releasing: Promise<'released' | 'lost'> | undefined;
  private expiresMs = 0;
  private deadline: Timer | undefined;

  constructor(private readonly parts: LeaseParts) {
    this.resource = parts.resource;
    this.fence = parts.fence;
    this.signal = this.aborts.signal;
    this.holdUntil(parts.sentMs + usableMs(parts.ttlMs));
  }

  get isLost(): boolean {
    return this.state === 'lost';
  }

  remainingMs(): number {
    if (this.state !== 'held') return 0;
    return Math.max(0, Math.floor(this.expiresMs - this.parts.clock.monotonicMs()));
  }

  async extend(ttlMs: number, call?: Call): Promise<'extended' | 'lost'> {
    checkTtl(ttlMs);
    if (this.state !== 'held') return 'lost';
    // The timer may be late when the event loop was blocked.
    if (this.remainingMs() === 0) return this.lose();
    const { driver, resource, token } = this.parts;
    let sentMs = this.parts.clock.monotonicMs();
    const before = this.expiresMs;
    try {
      const answer = await this.repeat(call, (attempt) => {
        sentMs = this.parts.clock.monotonicMs();
        return driver.renew(resource, token, ttlMs, attempt);
      });
      if (this.state !== 'held') return 'lost';
      if (answer === 'lost') return this.lose();
      this.holdUntil(sentMs + usableMs(ttlMs));
      return this.remainingMs() > 0 ? 'extended' : this.lose();
    } catch (fault) {
      // It may have happened, and may have made the lease shorter.
      if (this.state === 'held') this.holdUntil(Math.min(before, sentMs + usableMs(ttlMs)));
      throw fault;
    }
  }

  release(call?: Call): Promise<'released' | 'lost'> {
    if (this.state === 'lost') return Promise.resolve('lost');
    this.releasing ??= this.giveUp(call).catch((fault: unknown) => {
      // A later call may try again; whatever happens, this lease is not held any more.
      this.releasing = undefined;
      throw fault;
    });
    return this.releasing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch(this.parts.onFault);
  }

  private async giveUp(call?: Call): Promise<'released' | 'lost'> {
    const heldUntilMs = this.expiresMs;
    this.state = 'releasing';
    this.end(new DOMException(`the lock "${this.resource}" was released`, 'AbortError'));
    const { clock, driver, resource, token } = this.parts;
    return this.repeat(call, async (attempt, again) => {
      const inTime = clock.monotonicMs() < heldUntilMs;
      const answer = await driver.release(resource, token, attempt);
      // Gone before it could run out: it was the attempt whose reply was lost that released it.
      return answer === 'lost' && again && inTime ? 'released' : answer;
    });
  }

  private repeat<T>(call: Call | undefined, attempt: (call: Call, again: boolean) => Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.parts;
    return repeatUnknown(attempt, { clock, budgetMs: call?.budgetMs ?? timeoutMs, signal: call?.signal });
  }

  private holdUntil(expiresMs: number): void {
    this.expiresMs = expiresMs;
    this.deadline?.cancel();
    const leftMs = expiresMs - this.parts.clock.monotonicMs();
    this.deadline = this.parts.clock.after(Math.max(0, leftMs), () => this.onDeadline());
  }

  private onDeadline(): void {
    if (this.state === 'held') this.lose();
  }

  private lose(): 'lost' {
    this.state = 'lost';
    this.end(new LockLostError(this.resource, this.fence));
    // In the backend it has a little left: the next one need not wait for that.
    const { driver, resource, token, onFault } = this.parts;
    driver.release(resource, token).catch((fault: unknown) => {
      if (!(fault instanceof ClosedFault)) onFault(fault);
    });
    return 'lost';
  }

  private end(reason: Error): void {
    this.deadline?.cancel();
    this.aborts.abort(reason);
  }
}

/** @throws RangeError unless it is a whole number of milliseconds, and enough of them to leave something usable */
export function checkTtl(ttlMs: number): void {
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 10) {
    throw new RangeError(`ttlMs is ${ttlMs}; it must be an integer from 10`);
  }
}

/** The part of a lease that may be used: 1 % and 2 ms are left for clocks that run at different speeds. Source: Redlock. */
export function usableMs(ttlMs: number): number {
  return ttlMs - ttlMs / 100 - 2;
}
