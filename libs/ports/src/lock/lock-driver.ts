import type { Call } from '../call/call.js';

export type LockTaken =
  | { status: 'taken'; fence: number }
  /** `remainingMs`: what is left of the present holder's lease. */
  | { status: 'busy'; remainingMs: number };

/**
 * What an adapter stores for `DrivenLock`: at most one holder for a resource, named by a token that only it knows.
 * Every method is one atomic step, ends within `call.budgetMs`, and rejects only with a `BackendFault`. Calls of a full
 * backend go on. Time is the backend's.
 */
export abstract class LockDriver {
  /**
   * Takes the resource when nobody holds it. Idempotent by token: the holder's own token takes it again, with the same
   * fence and a whole `ttlMs`. A new fence is max(last + 1, the backend's time in µs); the last one is known for at
   * least 24 h after the take.
   */
  abstract take(resource: string, token: string, ttlMs: number, call?: Call): Promise<LockTaken>;

  /** Sets the lease to `ttlMs` from now. `lost`: this token does not hold it; nothing was changed. */
  abstract renew(resource: string, token: string, ttlMs: number, call?: Call): Promise<'renewed' | 'lost'>;

  /** `lost`: this token does not hold it; nothing was changed. */
  abstract release(resource: string, token: string, call?: Call): Promise<'released' | 'lost'>;
}
