import { Clock, type Timer } from '@redstart/ports';

/** A clock moved by hand, for tests: no sleeping where time can be told. */
export class ManualClock extends Clock {
  private elapsedMs = 0;
  private readonly timers = new Set<{ dueMs: number; task: () => void }>();

  constructor(private readonly startMs = Date.UTC(2026, 0, 1)) {
    super();
  }

  now(): number {
    return this.startMs + this.elapsedMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, task: () => void): Timer {
    const timer = { dueMs: this.elapsedMs + Math.max(0, delayMs), task };
    this.timers.add(timer);
    return { cancel: () => this.timers.delete(timer) };
  }

  /** Moves time on, firing each due timer at its instant and letting what it started settle before the next. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.elapsedMs + ms;
    for (;;) {
      await settle();
      const due = [...this.timers].filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (!due) break;
      this.timers.delete(due);
      this.elapsedMs = Math.max(this.elapsedMs, due.dueMs);
      due.task();
    }
    this.elapsedMs = untilMs;
    await settle();
  }
}

/** A turn of the event loop: every promise that can settle without time passing has settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
