import type { Call } from '../call/call.js';

/** Where an entry lies. Neither part is empty; any text is allowed and two parts never run together. */
export interface CacheKey {
  space: string;
  key: string;
}

/** `bytes` undefined: the owner has none, and that is remembered. */
export interface NewCacheEntry {
  schema: string;
  bytes: Uint8Array | undefined;
  /** How long it is fresh. */
  freshMs: number;
  /** How long it is kept in all; not a millisecond longer. */
  keepMs: number;
}

export interface StoredCacheEntry {
  schema: string;
  bytes: Uint8Array | undefined;
  freshMs: number;
  /** Since it was stored, on the backend's clock; never negative. */
  ageMs: number;
}

/** `version`: another one for each entry that is stored here; empty when there is none. */
export interface CacheLook {
  version: string;
  entry: StoredCacheEntry | undefined;
}

export interface LoadLease {
  /** A random name. */
  token: string;
  leaseMs: number;
}

export type LoadBegan =
  | { status: 'begun' }
  | { status: 'held'; token: string }
  /** Another entry is there than the one that was seen: look again. */
  | { status: 'changed' };

/**
 * What an adapter stores for a `DrivenCache`: entries, and one load lease a key.
 *
 * The lease is what makes a late loader harmless. It is given away by `begin`, ends by itself, and is taken away by
 * `store` and `remove`; a loader whose lease is gone leaves nothing behind. No clock is compared: a token is either
 * the one that is there or not. Each method is atomic for a key (`remove` for each of its keys).
 * Source: R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, leases.
 *
 * Every method ends within its budget (default: the adapter's `timeoutMs`) or rejects with a `BackendFault`. On a full
 * backend `begin`, `store` and `finish` reject with `FullFault`; all others work.
 */
export abstract class CacheDriver {
  /** What is no entry of any adapter's is absent. */
  abstract read(at: CacheKey, call?: Call): Promise<CacheLook>;

  /**
   * Takes the key's lease for `token`, unless it is held (then says by whom), or another entry was stored since
   * `version` was read: a load that has just ended is not repeated by whoever looked too early.
   */
  abstract begin(at: CacheKey, load: LoadLease & { version: string }, call?: Call): Promise<LoadBegan>;

  /** The lease lives for `leaseMs` from now, if it is still that of `token`. */
  abstract renew(at: CacheKey, lease: LoadLease, call?: Call): Promise<'renewed' | 'lost'>;

  /** Stores the entry and gives the lease back, while it is that of `token`; otherwise nothing happens. */
  abstract finish(
    at: CacheKey,
    load: { token: string; entry: NewCacheEntry },
    call?: Call,
  ): Promise<'finished' | 'superseded'>;

  /** As `finish`, for a load that leaves nothing: `alsoEntry`, what was there goes too. */
  abstract giveBack(
    at: CacheKey,
    load: { token: string; alsoEntry: boolean },
    call?: Call,
  ): Promise<'finished' | 'superseded'>;

  /** Stores whatever is there, and takes the lease away. */
  abstract store(at: CacheKey, entry: NewCacheEntry, call?: Call): Promise<void>;

  /** Forgets entries and takes their leases away. Repeating it does nothing. */
  abstract remove(keys: readonly CacheKey[], call?: Call): Promise<void>;
}
