import { Clock, type Timer } from './clock.js';

/** The longest delay of Node's timers; a longer one fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The machine's clock. */
export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  after(delayMs: number, task: () => void): Timer {
    if (delayMs > LONGEST_MS) return this.afterLong(delayMs, task);
    const handle = setTimeout(task, Math.max(0, delayMs));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }

  private afterLong(delayMs: number, task: () => void): Timer {
    let timer = this.after(LONGEST_MS, () => {
      timer = this.after(delayMs - LONGEST_MS, task);
    });
    return { cancel: () => timer.cancel() };
  }
}
