import { it } from '@jest/globals';
import { proveSuiteFails } from '../prove-suite-fails.js';

it('the rate limiter suite refuses an adapter that charges on a refusal', async () => {
  await proveSuiteFails(new URL('./broken-rate-limiter.fixture.ts', import.meta.url), [
    'charges every window or none: a refusal by one leaves the others',
    'charges nothing for what it refuses: a smaller cost still fits',
    'begins anew with the next window, and only in that one',
    'allows exactly the limit to many racers, over several handles',
  ]);
}, 60_000);
