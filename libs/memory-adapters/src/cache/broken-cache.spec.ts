import { it } from '@jest/globals';
import { proveSuiteFails } from '../prove-suite-fails.js';

it('the cache suite refuses an adapter that stores the result of a load from before an invalidation', async () => {
  await proveSuiteFails(new URL('./broken-cache.fixture.ts', import.meta.url), [
    'refuses the result of a load that was taken over',
    'is not undone by a load that began before it, invalidated by this process',
    'is not undone by a load that began before it, invalidated by another process',
    'is seen by whoever asks after it, though a load from before it runs, invalidated by this process',
    'is seen by whoever asks after it, though a load from before it runs, invalidated by another process',
    'holds too when the entry came back and its lease was taken anew',
    'protects what was set from a load that began before',
  ]);
}, 60_000);
