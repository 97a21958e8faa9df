import { type BackendFault, FullFault, RefusedFault, UnavailableFault } from '@redstart/ports';

/** Replies of a server that is there but does no work now, and did none of this. */
const NOT_NOW = new Set([
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'NOAUTH',
  'NOPERM',
  'NOREPLICAS',
  'READONLY',
  'TRYAGAIN',
  'WRONGPASS',
]);

export function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

export function isNoScript(error: unknown): boolean {
  return isReplyError(error) && error.message.startsWith('NOSCRIPT');
}

/** What ioredis says of a command that it never wrote: offline queueing is off. */
export function wasNeverWritten(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Stream isn't writeable");
}

/**
 * The fault that a failed command is. An error reply says what the server did; a command that was written and got no
 * reply may have happened.
 */
export function faultOf(error: unknown, operation: string, address: string): BackendFault {
  if (isReplyError(error)) {
    const kind = /^[A-Z]+/.exec(error.message)?.[0] ?? '';
    // A script is refused before its first write: once it has written, the server lets it finish.
    if (kind === 'OOM') return new FullFault('Redis is out of memory', { effect: 'none', operation, cause: error });
    if (NOT_NOW.has(kind)) {
      return new UnavailableFault(`Redis at ${address} answers ${kind}`, { effect: 'none', operation, cause: error });
    }
    return new RefusedFault(`Redis answers: ${error.message}`, { effect: 'unknown', operation, cause: error });
  }
  if (wasNeverWritten(error)) {
    return new UnavailableFault(`no connection to Redis at ${address}`, { effect: 'none', operation, cause: error });
  }
  return new UnavailableFault(`Redis at ${address} cut the connection before it replied`, {
    effect: 'unknown',
    operation,
    cause: error,
  });
}
