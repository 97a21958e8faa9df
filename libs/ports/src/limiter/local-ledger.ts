import { charged, type Counted, fits, lastEndMs, presentCounts } from './fixed-windows.js';
import type { Rule } from './rate-limiter.js';

interface Entry {
  counted: Counted[];
  /** When all windows present at the last take have ended. */
  endsMs: number;
}

const SWEEP_EVERY_MS = 1_000;

/**
 * What this process let through, by counter: what the backend allowed (mirrored) and what was allowed without it
 * (insured). Holds at most `maxEntries`. Mirrored entries give way, least recently used first; insured ones stay until
 * their windows end, since forgetting them would let their subjects through again.
 */
export class LocalLedger {
  private readonly mirrored = new Map<string, Entry>();
  private readonly insured = new Map<string, Entry>();
  private nextSweepMs = -Infinity;

  constructor(private readonly maxEntries: number) {}

  /** Notes what the backend allowed. */
  mirror(key: string, rules: readonly Rule[], cost: number, nowMs: number): void {
    const insured = this.liveInsured(key, nowMs);
    const known = insured ?? this.mirrored.get(key);
    if (!known && !this.hasRoom(nowMs)) return;
    const counted = charged(rules, presentCounts(rules, known?.counted, nowMs), cost, nowMs);
    if (insured) {
      // Its end stays: only what was allowed without the backend has to be remembered.
      insured.counted = counted;
      return;
    }
    this.mirrored.delete(key);
    this.mirrored.set(key, { counted, endsMs: lastEndMs(rules, nowMs) });
  }

  /** Takes `cost` when it fits. Undefined: the ledger is full of insured entries, and this is not one of them. */
  take(
    key: string,
    rules: readonly Rule[],
    { cost, peek, nowMs }: { cost: number; peek: boolean; nowMs: number },
  ): { allowed: boolean; counts: number[] } | undefined {
    const known = this.liveInsured(key, nowMs) ?? this.mirrored.get(key);
    if (!known && !this.hasRoom(nowMs)) return undefined;
    const counts = presentCounts(rules, known?.counted, nowMs);
    const allowed = fits(rules, counts, cost);
    if (!allowed || peek) return { allowed, counts };
    const counted = charged(rules, counts, cost, nowMs);
    this.mirrored.delete(key);
    this.insured.set(key, { counted, endsMs: lastEndMs(rules, nowMs) });
    return { allowed, counts: counted.map(({ count }) => count) };
  }

  get size(): number {
    return this.mirrored.size + this.insured.size;
  }

  private liveInsured(key: string, nowMs: number): Entry | undefined {
    const entry = this.insured.get(key);
    if (!entry || entry.endsMs > nowMs) return entry;
    this.insured.delete(key);
    return undefined;
  }

  private hasRoom(nowMs: number): boolean {
    if (this.size < this.maxEntries) return true;
    const oldest = this.mirrored.keys().next();
    if (!oldest.done) return this.mirrored.delete(oldest.value);
    if (nowMs < this.nextSweepMs) return false;
    this.nextSweepMs = nowMs + SWEEP_EVERY_MS;
    for (const [key, { endsMs }] of this.insured) if (endsMs <= nowMs) this.insured.delete(key);
    return this.size < this.maxEntries;
  }
}
