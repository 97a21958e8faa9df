import { it } from '@jest/globals';
import { proveSuiteFails } from '../prove-suite-fails.js';

it('the queue suite refuses an adapter that settles a task for a token of an earlier delivery', async () => {
  await proveSuiteFails(new URL('./broken-queue.fixture.ts', import.meta.url), [
    'pass to another when the holder is cut off, whose signal has aborted and whose late verdict is refused',
    'is good until its task is taken back, and refused from then on',
  ]);
}, 120_000);
