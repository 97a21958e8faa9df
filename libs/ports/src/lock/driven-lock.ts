import { randomUUID } from 'node:crypto';
import { AbortedFault, BackendFault, ClosedFault, TimeoutFault } from '../call/backend-fault.js';
import type { Clock } from '../clock/clock.js';
import { checkTtl, DrivenLease, usableMs } from './driven-lease.js';
import { Lock, type Acquire, type Acquired, type Lease } from './lock.js';
import type { LockDriver, LockTaken } from './lock-driver.js';
import { LockBusyError, LockLostError } from './lock-errors.js';
import { repeatUnknown } from './repeat-unknown.js';
import { Watchdog } from './watchdog.js';

export interface DrivenLockSettings {
  /** Default budget of a call. */
  timeoutMs: number;
  clock: Clock;
  /** Told of what nobody awaits: a renewal or a give-back that failed. */
  onFault?: (error: unknown) => void;
}

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;

/** Waiting, lost replies and the watchdog, above any `LockDriver`. */
export class DrivenLock extends Lock {
  private readonly clock: Clock;
  private readonly timeoutMs: number;
  private readonly onFault: (error: unknown) => void;

  constructor(
    private readonly driver: LockDriver,
    settings: DrivenLockSettings,
  ) {
    super();
    this.clock = settings.clock;
    this.timeoutMs = settings.timeoutMs;
    this.onFault = settings.onFault ?? (() => undefined);
  }

  async acquire(resource: string, options: Acquire): Promise<Acquired> {
    const taken = await this.acquireLease(resource, options);
    return taken instanceof DrivenLease ? { status: 'held', lease: taken } : taken;
  }

  async withLock<R>(resource: string, options: Acquire, work: (lease: Lease) => Promise<R>): Promise<R> {
    const lease = await this.acquireLease(resource, options);
    if (!(lease instanceof DrivenLease)) throw new LockBusyError(resource, lease.retryAfterMs);
    const { clock, timeoutMs, onFault } = this;
    const watchdog = new Watchdog(lease, { ttlMs: options.ttlMs, timeoutMs, clock, onFault });
    let outcome: { result: R } | { thrown: unknown };
    try {
      outcome = { result: await work(lease) };
    } catch (thrown) {
      outcome = { thrown };
    }
    watchdog.stop();
    if (await this.wasLost(lease)) {
      throw new LockLostError(resource, lease.fence, 'thrown' in outcome ? outcome.thrown : undefined);
    }
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.result;
  }

  private async wasLost(lease: DrivenLease): Promise<boolean> {
    // Overdue, though the event loop was too busy to say so.
    if (lease.isLost || (!lease.signal.aborted && lease.remainingMs() === 0)) return true;
    try {
      return (await lease.release()) === 'lost';
    } catch (fault) {
      // The work was done while the lease held; that it could not be given back costs others the rest of it.
      this.onFault(fault);
      return false;
    }
  }

  private async acquireLease(
    resource: string,
    options: Acquire,
  ): Promise<DrivenLease | (Acquired & { status: 'busy' })> {
    checkAcquire(resource, options);
    const untilMs = this.clock.monotonicMs() + (options.waitMs ?? 0);
    // One token for all tries: a take that was executed and not answered is found again, not waited for.
    const token = randomUUID();
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const taken = await this.take(resource, token, options);
      if (taken instanceof DrivenLease) return taken;
      const leftMs = untilMs - this.clock.monotonicMs();
      if (leftMs <= 0) return { status: 'busy', retryAfterMs: taken.remainingMs };
      // Jittered, so that those who wait together do not ask together.
      const jitteredMs = pauseMs * (0.5 + Math.random() / 2);
      await this.clock.sleep(Math.min(leftMs, taken.remainingMs + 1, jitteredMs), options.signal);
      if (options.signal?.aborted) {
        const cause: unknown = options.signal.reason;
        throw new AbortedFault('aborted while waiting', { effect: 'none', operation: 'lock.acquire', cause });
      }
    }
  }

  private async take(
    resource: string,
    token: string,
    options: Acquire,
  ): Promise<DrivenLease | (LockTaken & { status: 'busy' })> {
    const { driver, clock, timeoutMs, onFault } = this;
    const { ttlMs, signal } = options;
    let sentMs = clock.monotonicMs();
    try {
      const taken = await repeatUnknown(
        (call) => {
          sentMs = clock.monotonicMs();
          return driver.take(resource, token, ttlMs, call);
        },
        { clock, budgetMs: options.budgetMs ?? timeoutMs, signal },
      );
      if (taken.status === 'busy') return taken;
      if (clock.monotonicMs() >= sentMs + usableMs(ttlMs)) {
        const message = `the reply took longer than the lease of ${ttlMs} ms`;
        throw new TimeoutFault(message, { effect: 'unknown', operation: 'lock.acquire' });
      }
      const { fence } = taken;
      return new DrivenLease({ driver, clock, timeoutMs, onFault, resource, token, fence, ttlMs, sentMs });
    } catch (fault) {
      if (fault instanceof BackendFault && fault.effect === 'unknown') this.giveBack(resource, token);
      throw fault;
    }
  }

  /** Nobody will use what may have been taken: without this it would stay locked until it runs out. */
  private giveBack(resource: string, token: string): void {
    this.driver.release(resource, token).catch((fault: unknown) => {
      if (!(fault instanceof ClosedFault)) this.onFault(fault);
    });
  }
}

function checkAcquire(resource: string, { ttlMs, waitMs }: Acquire): void {
  if (resource === '') throw new RangeError('the resource of a lock is empty');
  checkTtl(ttlMs);
  if (waitMs !== undefined && !(waitMs >= 0)) throw new RangeError(`waitMs is ${waitMs}; it must not be negative`);
}
