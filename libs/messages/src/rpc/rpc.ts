/** One request between services: its Nest TCP pattern and, as types only, what goes in and what comes back. */
export interface Rpc<Pattern extends string, In, Out> {
  readonly pattern: Pattern;
  /** Never there; carries the types. */
  readonly types?: { in: In; out: Out };
}

export type RpcIn<R> = R extends Rpc<string, infer In, unknown> ? In : never;
export type RpcOut<R> = R extends Rpc<string, unknown, infer Out> ? Out : never;

export const rpc = <In, Out>() => ({ as: <P extends string>(pattern: P): Rpc<P, In, Out> => ({ pattern }) });

/** What an RPC rejects with: an expected refusal that the gateway turns into a problem document. */
export interface RpcProblem {
  /** HTTP's status for it. */
  status: number;
  /** Stable, in capitals: `UNKNOWN_SKU`. */
  code: string;
  detail: string;
  errors?: { field: string; message: string }[];
  /** With 503 and 429. */
  retryAfterMs?: number;
}

export interface Page<T> {
  items: T[];
  nextCursor?: string;
}

/** How a cached read was answered; `stale` when its owner could not be asked. */
export type CacheAnswerName = 'hit' | 'miss' | 'stale' | 'bypass';
