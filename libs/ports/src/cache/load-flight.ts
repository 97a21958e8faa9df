import { TimeoutFault } from '../call/backend-fault.js';
import type { Clock, Timer } from '../clock/clock.js';

export type Load<T> = (signal: AbortSignal) => Promise<T | undefined>;

/** A load that is under way, and those in this process who wait for it. */
export interface Flight<T> {
  /** The lease it holds; undefined when it goes round the backend. */
  readonly token: string | undefined;
  readonly result: Promise<T | undefined>;
}

/**
 * Runs `load` for at most `timeoutMs`, then aborts its signal and rejects, whether it listens or not.
 * @throws TimeoutFault, or what `load` throws
 */
export async function loadWithin<T>(
  load: Load<T>,
  options: { clock: Clock; timeoutMs: number; operation: string },
): Promise<T | undefined> {
  const controller = new AbortController();
  let timer: Timer | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = options.clock.after(options.timeoutMs, () => {
      const fault = new TimeoutFault(`the load took longer than ${options.timeoutMs} ms`, {
        effect: 'unknown',
        operation: options.operation,
      });
      reject(fault);
      controller.abort(fault);
    });
  });
  try {
    return await Promise.race([load(controller.signal), late]);
  } finally {
    timer?.cancel();
  }
}

/** Calls `task` every `everyMs` until it is stopped or `task` answers false. */
export function repeat(clock: Clock, everyMs: number, task: () => Promise<boolean>): { stop(): void } {
  let stopped = false;
  let timer = clock.after(everyMs, function again() {
    void task().then((goOn) => {
      if (goOn && !stopped) timer = clock.after(everyMs, again);
    });
  });
  return {
    stop: () => {
      stopped = true;
      timer.cancel();
    },
  };
}
