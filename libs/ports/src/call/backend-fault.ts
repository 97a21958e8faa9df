/** What is known of a call that failed: `none`, it did nothing; `unknown`, it was sent and may have happened. */
export type Effect = 'none' | 'unknown';

export type FaultCode = 'UNAVAILABLE' | 'TIMEOUT' | 'FULL' | 'CLOSED' | 'ABORTED' | 'TOO_LARGE' | 'REFUSED';

export interface FaultOptions {
  effect: Effect;
  /** The port and method, `lock.acquire`. */
  operation: string;
  cause?: unknown;
}

/** A backend that did not do what a port promises. Expected outcomes (`busy`, `limited`, `full`) are values, not faults. */
export abstract class BackendFault extends Error {
  abstract readonly code: FaultCode;
  readonly effect: Effect;
  readonly operation: string;

  constructor(message: string, options: FaultOptions) {
    super(`${options.operation}: ${message}`, { cause: options.cause });
    this.name = new.target.name;
    this.effect = options.effect;
    this.operation = options.operation;
  }
}

/** The backend cannot be reached, or cut the connection. */
export class UnavailableFault extends BackendFault {
  readonly code = 'UNAVAILABLE';
}

/** No answer within the call's budget. */
export class TimeoutFault extends BackendFault {
  readonly code = 'TIMEOUT';
}

/** The backend is out of memory and refuses what adds work. */
export class FullFault extends BackendFault {
  readonly code = 'FULL';
}

/** The adapter was closed. */
export class ClosedFault extends BackendFault {
  readonly code = 'CLOSED';
}

/** The caller's signal ended the wait. */
export class AbortedFault extends BackendFault {
  readonly code = 'ABORTED';
}

/** A value over the adapter's limit (1 MiB unless set otherwise). */
export class TooLargeFault extends BackendFault {
  readonly code = 'TOO_LARGE';
}

/** The backend answered with an error that no adapter expects: a fault of ours or of its configuration. Trying again will not help. */
export class RefusedFault extends BackendFault {
  readonly code = 'REFUSED';
}
