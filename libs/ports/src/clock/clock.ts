/** A timer that has not fired yet. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Where time comes from: the machine in production, a hand-moved clock in tests. */
export abstract class Clock {
  /** Milliseconds since the epoch. May step; never use it to measure a duration. */
  abstract now(): number;
  /** Milliseconds since an arbitrary start. Never steps back. */
  abstract monotonicMs(): number;
  /** Runs `task` once, `delayMs` from now. Does not keep the process alive. */
  abstract after(delayMs: number, task: () => void): Timer;

  /** Resolves `delayMs` from now, or at once when `signal` aborts (it never rejects). */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.after(delayMs, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}
