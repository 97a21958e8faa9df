import type { RpcProblem } from '@redstart/messages';

const RETRY_AFTER_MS = 1000;

/** The service ends and takes no more: nothing was done, another of its kind may be asked. */
export const stopping = (): RpcProblem => ({
  status: 503,
  code: 'STOPPING',
  detail: 'a part of the service is being stopped; nothing was done, try again',
  retryAfterMs: RETRY_AFTER_MS,
});

export const saysStopping = ({ code }: RpcProblem): boolean => code === 'STOPPING';

/** The caller is of a later release than the service: its turn comes in the same deployment. */
export const unknownRpc = (): RpcProblem => ({
  status: 503,
  code: 'UNKNOWN_RPC',
  detail: 'a part of the service does not know this request yet; nothing was done, try again',
  retryAfterMs: RETRY_AFTER_MS,
});
