import type { Call } from '../call/call.js';

export interface Acquire extends Call {
  /** How long the lease lives unless extended. The server's clock counts. */
  ttlMs: number;
  /** How long to wait while another holds it. Default 0: answer `busy` at once. */
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
  extend(ttlMs: number, call?: Call): Promise<'extended' | 'lost'>;
  /** Only the holder releases: `lost` when the lease had run out, whoever holds it now. */
  release(call?: Call): Promise<'released' | 'lost'>;
}

export type Acquired =
  | { status: 'held'; lease: Lease }
  /** `retryAfterMs`: when the present lease runs out at the latest, unless it is extended. */
  | { status: 'busy'; retryAfterMs: number };

/** Mutual exclusion by lease. Faults are `BackendFault`s; an acquire whose reply was lost is given back or runs out. */
export abstract class Lock {
  abstract acquire(resource: string, options: Acquire): Promise<Acquired>;

  /**
   * Runs `work` while a watchdog renews the lease, and releases it however `work` ends.
   * @throws LockBusyError when another holds it for all of `waitMs`
   * @throws LockLostError when the lease was lost before `work` returned; its `cause` is what `work` threw, if it did
   */
  abstract withLock<R>(resource: string, options: Acquire, work: (lease: Lease) => Promise<R>): Promise<R>;
}
