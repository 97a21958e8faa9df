import type { Call } from '../call/call.js';

/** `budgetMs` bounds each try, so a call ends within `waitMs` + `budgetMs`. `signal` ends the wait, not the lease. */
export interface Acquire extends Call {
  /** How long the lease lives unless extended. An integer from 10. The server's clock counts. */
  ttlMs: number;
  /**
   * How long to wait while another holds it. Default 0: answer `busy` at once. Waiters ask again at growing, jittered
   * intervals up to 500 ms, and when the present lease runs out; who comes first is not promised.
   */
  waitMs?: number;
}

/** The right to work on a resource until it is lost or released. Disposing releases. */
export interface Lease extends AsyncDisposable {
  readonly resource: string;
  /**
   * Higher for each later holder: max(last + 1, the server's time in µs), a safe integer. The lock alone cannot stop a
   * holder that was paused past its lease; the store it writes to can. Claim once (`set fence = $n where fence < $n`),
   * then write `where fence = $n`.
   * Source: M. Kleppmann, "How to do distributed locking", 2016.
   */
  readonly fence: number;
  /** Aborts before another can hold the resource (counted on this process's monotonic clock), also when renewal fails. */
  readonly signal: AbortSignal;
  /** What is left of the lease by this process's clock; 0 once it is lost or released. */
  remainingMs(): number;
  /** Sets the lease to `ttlMs` from now. `lost`: it had run out; a lost lease is never revived. */
  extend(ttlMs: number, call?: Call): Promise<'extended' | 'lost'>;
  /**
   * Only the holder releases: `lost` when the lease had run out, whoever holds it now. Aborts `signal`. A second call
   * answers like the first; after a fault it tries again, and what was not given back runs out.
   */
  release(call?: Call): Promise<'released' | 'lost'>;
}

export type Acquired =
  | { status: 'held'; lease: Lease }
  /** `retryAfterMs`: when the present lease runs out at the latest, unless it is extended. */
  | { status: 'busy'; retryAfterMs: number };

/**
 * Mutual exclusion by lease. Faults are `BackendFault`s. An acquire whose reply was lost is asked for again within its
 * budget and finds its own lease; when that fails too, it is given back or runs out.
 */
export abstract class Lock {
  abstract acquire(resource: string, options: Acquire): Promise<Acquired>;

  /**
   * Runs `work` while a watchdog renews the lease at a third of `ttlMs`, and releases it however `work` ends. Work that
   * must not outlive its lease stops at `lease.signal`, and bounds its own time: the watchdog renews for as long as it runs.
   * @throws LockBusyError when another holds it for all of `waitMs`
   * @throws LockLostError when the lease was lost before `work` returned; its `cause` is what `work` threw, if it did
   */
  abstract withLock<R>(resource: string, options: Acquire, work: (lease: Lease) => Promise<R>): Promise<R>;
}
