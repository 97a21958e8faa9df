import type { Call, Codec } from '../call/call.js';

/** A family of cached values. Define it once, as a constant. */
export interface Space<T> {
  name: string;
  codec: Codec<T>;
  /** How long a value is fresh. */
  ttlMs: number;
  /** How long after that it may still be served: while one caller revalidates, or when loading fails. */
  graceMs: number;
  /** How long "there is none" is remembered. Default 0: not at all. */
  negativeTtlMs?: number;
  /** With a stale value at hand: how long to wait for the load before answering it. Default: `timeoutMs` of the cache. */
  softTimeoutMs?: number;
}

export type CacheAnswer = 'hit' | 'miss' | 'stale' | 'bypass';

/** `value` is undefined when there is none. `ageMs`: since the value was loaded, 0 when it was loaded just now. */
export type Cached<T> = { value: T | undefined; from: CacheAnswer; ageMs: number };

/**
 * Values in front of a slower owner. No method rejects because the backend is away: reads go round it (`bypass`), `set`
 * does nothing, and `invalidate` says `unknown`.
 */
export abstract class Cache {
  /** Never loads. A value past `ttlMs` but within the grace is `stale`. */
  abstract get<T>(space: Space<T>, key: string, call?: Call): Promise<Cached<T>>;

  /**
   * The cached value, or what `load` returns (undefined: there is none). One load at a time for a key, in this process
   * and across processes; the others get the stale value or wait for the loader. With the backend away, loads pass
   * through a bulkhead, so that its outage cannot become the owner's.
   * @throws what `load` threw, when there is no value to serve instead
   * @throws CacheOverloadedError when the bulkhead is full
   */
  abstract getOrLoad<T>(
    space: Space<T>,
    key: string,
    load: (signal: AbortSignal) => Promise<T | undefined>,
    call?: Call,
  ): Promise<Cached<T>>;

  abstract set<T>(space: Space<T>, key: string, value: T, call?: Call): Promise<void>;

  /**
   * Forgets keys. A load that began before this cannot leave its result behind afterwards.
   * `unknown`: the backend did not confirm; repeat it (the owner's outbox does).
   */
  abstract invalidate<T>(space: Space<T>, keys: readonly string[], call?: Call): Promise<'invalidated' | 'unknown'>;
}
