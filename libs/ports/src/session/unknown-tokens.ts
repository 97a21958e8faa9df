import type { Clock } from '../clock/clock.js';

const MAX = 10_000;
const LIFE_MS = 60_000;

/**
 * Hashes that the record does not know, so that a client which repeats one does not reach it each time. Safe to
 * remember: a hash that is unknown or revoked never becomes valid, a login makes a new one. Bounded; the oldest go.
 */
export class UnknownTokens {
  private readonly untilMs = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  add(tokenHash: string): void {
    this.untilMs.delete(tokenHash);
    this.untilMs.set(tokenHash, this.clock.monotonicMs() + LIFE_MS);
    for (const oldest of this.untilMs.keys()) {
      if (this.untilMs.size <= MAX) break;
      this.untilMs.delete(oldest);
    }
  }

  has(tokenHash: string): boolean {
    const untilMs = this.untilMs.get(tokenHash);
    if (untilMs === undefined) return false;
    if (untilMs > this.clock.monotonicMs()) return true;
    this.untilMs.delete(tokenHash);
    return false;
  }
}
