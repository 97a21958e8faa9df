import {
  CacheDriver,
  type LoadBegan,
  type LoadLease,
  type CacheKey,
  type CacheLook,
  type Call,
  type Clock,
  type NewCacheEntry,
  type StoredCacheEntry,
} from '@redstart/ports';
import { OpenHandle } from '../open-handle.js';

interface Kept extends Omit<StoredCacheEntry, 'ageMs'> {
  version: string;
  storedAtMs: number;
  endsAtMs: number;
}

interface Lease {
  token: string;
  endsAtMs: number;
}

/** After so many writes the expired are swept out. */
const SWEEP_EVERY = 1_000;

/** What several `MemoryCacheDriver`s of one process share. Bounded by the TTLs of what it holds. */
export class MemoryCacheBackend {
  private readonly entries = new Map<string, Kept>();
  private readonly leases = new Map<string, Lease>();
  private writes = 0;

  constructor(private readonly clock: Clock) {}

  entry(key: string): Kept | undefined {
    return this.living(this.entries, key);
  }

  lease(key: string): Lease | undefined {
    return this.living(this.leases, key);
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  keep(key: string, entry: NewCacheEntry): void {
    const { schema, bytes, freshMs, keepMs } = entry;
    const nowMs = this.nowMs;
    // A copy: the caller's bytes stay the caller's.
    const version = String(this.writes + 1);
    const times = { freshMs, storedAtMs: nowMs, endsAtMs: nowMs + keepMs };
    this.entries.set(key, { schema, bytes: bytes?.slice(), version, ...times });
    this.sweepNowAndThen();
  }

  hold(key: string, token: string, leaseMs: number): void {
    this.leases.set(key, { token, endsAtMs: this.nowMs + leaseMs });
    this.sweepNowAndThen();
  }

  giveBack(key: string): void {
    this.leases.delete(key);
  }

  forget(key: string): void {
    this.entries.delete(key);
  }

  /** As FLUSHALL. */
  flush(): void {
    this.entries.clear();
    this.leases.clear();
  }

  private living<V extends { endsAtMs: number }>(map: Map<string, V>, key: string): V | undefined {
    const found = map.get(key);
    if (!found || found.endsAtMs > this.nowMs) return found;
    map.delete(key);
    return undefined;
  }

  private sweepNowAndThen(): void {
    this.writes += 1;
    if (this.writes % SWEEP_EVERY > 0) return;
    for (const key of this.entries.keys()) this.entry(key);
    for (const key of this.leases.keys()) this.lease(key);
  }
}

export class MemoryCacheDriver extends CacheDriver {
  private readonly handle = new OpenHandle('cache');

  constructor(private readonly backend: MemoryCacheBackend) {
    super();
  }

  async read(at: CacheKey, call?: Call): Promise<CacheLook> {
    this.handle.enter('read', call);
    const kept = this.backend.entry(nameOf(at));
    if (!kept) return { version: '', entry: undefined };
    const { schema, bytes, freshMs, storedAtMs, version } = kept;
    return { version, entry: { schema, bytes: bytes?.slice(), freshMs, ageMs: this.backend.nowMs - storedAtMs } };
  }

  async begin(at: CacheKey, load: LoadLease & { version: string }, call?: Call): Promise<LoadBegan> {
    this.handle.enter('begin', call);
    const held = this.backend.lease(nameOf(at));
    if (held) return { status: 'held', token: held.token };
    if ((this.backend.entry(nameOf(at))?.version ?? '') !== load.version) return { status: 'changed' };
    this.backend.hold(nameOf(at), load.token, load.leaseMs);
    return { status: 'begun' };
  }

  async renew(at: CacheKey, { token, leaseMs }: LoadLease, call?: Call): Promise<'renewed' | 'lost'> {
    this.handle.enter('renew', call);
    if (this.backend.lease(nameOf(at))?.token !== token) return 'lost';
    this.backend.hold(nameOf(at), token, leaseMs);
    return 'renewed';
  }

  async finish(
    at: CacheKey,
    { token, entry }: { token: string; entry: NewCacheEntry },
    call?: Call,
  ): Promise<'finished' | 'superseded'> {
    this.handle.enter('finish', call);
    if (!this.end(at, token)) return 'superseded';
    this.backend.keep(nameOf(at), entry);
    return 'finished';
  }

  async giveBack(
    at: CacheKey,
    { token, alsoEntry }: { token: string; alsoEntry: boolean },
    call?: Call,
  ): Promise<'finished' | 'superseded'> {
    this.handle.enter('giveBack', call);
    if (!this.end(at, token)) return 'superseded';
    if (alsoEntry) this.backend.forget(nameOf(at));
    return 'finished';
  }

  async store(at: CacheKey, entry: NewCacheEntry, call?: Call): Promise<void> {
    this.handle.enter('store', call);
    this.backend.giveBack(nameOf(at));
    this.backend.keep(nameOf(at), entry);
  }

  async remove(keys: readonly CacheKey[], call?: Call): Promise<void> {
    this.handle.enter('remove', call);
    for (const at of keys) {
      this.backend.giveBack(nameOf(at));
      this.backend.forget(nameOf(at));
    }
  }

  /** A second call does nothing; every other call rejects from now on. */
  async close(): Promise<void> {
    this.handle.close();
  }

  private end(at: CacheKey, token: string): boolean {
    if (this.backend.lease(nameOf(at))?.token !== token) return false;
    this.backend.giveBack(nameOf(at));
    return true;
  }
}

function nameOf(at: CacheKey): string {
  return `${at.space}\u0000${at.key}`;
}
