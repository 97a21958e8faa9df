import { BackendFault } from '../call/backend-fault.js';
import type { Call } from '../call/call.js';
import type { Clock } from '../clock/clock.js';

const PAUSE_MS = 20;

/**
 * Repeats a call whose reply was lost, within the caller's budget: only for calls that may safely run twice. `attempt`
 * is told whether an earlier one may have happened. A time-out leaves no budget to repeat in; a call that surely did
 * nothing is not repeated either, the backend is away. Rejects with `unknown` once any attempt may have happened.
 */
export async function repeatUnknown<T>(
  attempt: (call: Call, again: boolean) => Promise<T>,
  options: { clock: Clock; budgetMs: number; signal?: AbortSignal | undefined },
): Promise<T> {
  const { clock, signal } = options;
  const untilMs = clock.monotonicMs() + options.budgetMs;
  let first: BackendFault | undefined;
  for (;;) {
    const budgetMs = Math.max(1, untilMs - clock.monotonicMs());
    try {
      return await attempt({ budgetMs, ...(signal && { signal }) }, first !== undefined);
    } catch (fault) {
      if (!(fault instanceof BackendFault)) throw fault;
      if (fault.effect === 'unknown') first ??= fault;
      const again = first !== undefined && fault.code === 'UNAVAILABLE' && untilMs - clock.monotonicMs() > PAUSE_MS;
      if (!again) throw fault.effect === 'none' && first ? first : fault;
      // The first repetition goes at once; only a backend that stays away is waited for.
      if (fault !== first) await clock.sleep(PAUSE_MS, signal);
    }
  }
}
