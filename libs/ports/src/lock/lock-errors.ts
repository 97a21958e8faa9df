/** Another held the resource for all of the time the caller would wait. */
export class LockBusyError extends Error {
  readonly code = 'LOCK_BUSY';
  constructor(
    readonly resource: string,
    readonly retryAfterMs: number,
  ) {
    super(`the lock "${resource}" is held by another; its lease runs out in ${retryAfterMs} ms unless renewed`);
    this.name = 'LockBusyError';
  }
}

/** The lease ran out, or could not be renewed, before the work was done. */
export class LockLostError extends Error {
  readonly code = 'LOCK_LOST';
  constructor(
    readonly resource: string,
    readonly fence: number,
    cause?: unknown,
  ) {
    super(`the lock "${resource}" (fence ${fence}) was lost before the work was done`, { cause });
    this.name = 'LockLostError';
  }
}
