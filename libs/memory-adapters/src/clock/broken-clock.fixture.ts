import { type Timer } from '@redstart/ports';
import { describeClockContract } from '@redstart/ports/contracts';
import { ManualClock } from './manual-clock.js';

// Run by broken-clock.spec.ts: the suite must refuse this adapter.

/** It forgets to forget. */
class CancelsNothing extends ManualClock {
  override after(delayMs: number, task: () => void): Timer {
    super.after(delayMs, task);
    return { cancel: () => undefined };
  }
}

describeClockContract('a broken adapter', {
  open: async () => {
    const clock = new CancelsNothing();
    return { clock, advance: (ms) => clock.advance(ms) };
  },
});
