import type { BackendFault } from '@redstart/ports';
import type { RpcProblem } from '@redstart/messages';

const RETRY_AFTER_MS = 1000;

/** A backend that is away is 503 with `Retry-After`; which one is for the log, not for the client. */
export function faultProblem(fault: BackendFault): RpcProblem {
  if (fault.code === 'TOO_LARGE') return { status: 413, code: fault.code, detail: 'the value is too large' };
  const detail =
    fault.effect === 'none'
      ? 'a part of the service is not available now; nothing was done, try again'
      : 'a part of the service did not answer; what was asked may have been done, try again with the same Idempotency-Key';
  return { status: 503, code: 'UNAVAILABLE', detail, retryAfterMs: RETRY_AFTER_MS };
}

export const internalProblem = (): RpcProblem => ({
  status: 500,
  code: 'INTERNAL',
  detail: 'something went wrong on our side; it was logged',
});
