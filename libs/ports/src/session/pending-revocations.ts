import { TimeoutFault, UnavailableFault } from '../call/backend-fault.js';
import type { Clock, Timer } from '../clock/clock.js';

const MAX = 10_000;
const WAIT_MS = { first: 200, last: 10_000 };

/**
 * Revocations that are in the record and have not reached the backend: tried again until they do, each in its turn.
 * Bounded; past the bound the oldest is dropped, and re-verification after the outage alone covers it.
 */
export class PendingRevocations {
  private readonly pending = new Map<string, () => Promise<void>>();
  private timer: Timer | undefined;
  private waitMs = WAIT_MS.first;
  private closed = false;

  constructor(
    private readonly clock: Clock,
    private readonly onFault: (error: unknown) => void,
    private readonly random: () => number = Math.random,
  ) {}

  get size(): number {
    return this.pending.size;
  }

  add(name: string, revoke: () => Promise<void>): void {
    if (this.closed) return;
    this.pending.delete(name);
    this.pending.set(name, revoke);
    const [oldest] = this.pending.keys();
    if (this.pending.size > MAX && oldest !== undefined) this.pending.delete(oldest);
    this.schedule();
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.pending.clear();
  }

  private schedule(): void {
    if (this.closed || this.timer || this.pending.size === 0) return;
    // Jittered: gateways that lost the backend together do not come back together.
    this.timer = this.clock.after(this.waitMs * (0.5 + this.random() / 2), () => void this.retry());
  }

  private async retry(): Promise<void> {
    try {
      for (const [name, revoke] of this.pending) {
        await this.attempt(revoke);
        // Unless it was asked for again meanwhile, which then wants its own try.
        if (this.pending.get(name) === revoke) this.pending.delete(name);
      }
      this.waitMs = WAIT_MS.first;
    } catch {
      this.waitMs = Math.min(this.waitMs * 2, WAIT_MS.last);
    } finally {
      this.timer = undefined;
      this.schedule();
    }
  }

  /** Only an outage is worth another try, and holds up the others. */
  private async attempt(revoke: () => Promise<void>): Promise<void> {
    try {
      await revoke();
    } catch (error) {
      if (error instanceof UnavailableFault || error instanceof TimeoutFault) throw error;
      this.onFault(error);
    }
  }
}
