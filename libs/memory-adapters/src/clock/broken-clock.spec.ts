import { it } from '@jest/globals';
import { proveSuiteFails } from '../prove-suite-fails.js';

it('the clock suite refuses a clock whose timers cannot be cancelled', async () => {
  await proveSuiteFails(new URL('./broken-clock.fixture.ts', import.meta.url), [
    'does not run a task that was cancelled; cancelling again, or too late, does nothing',
  ]);
}, 60_000);
