import { describeClockContract } from './clock.contract.js';
import { SystemClock } from './system-clock.js';

describeClockContract('system', {
  open: async () => ({
    clock: new SystemClock(),
    // The machine's time cannot be moved.
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 5)),
  }),
});
