import { it } from '@jest/globals';
import { proveSuiteFails } from '../prove-suite-fails.js';

it('the stream suite refuses an adapter that writes lower positions again', async () => {
  await proveSuiteFails(new URL('./broken-stream.fixture.ts', import.meta.url), [
    'append drops the lower positions of a producer as duplicates',
    'append writes each position once when two relays race',
    'append has written an event exactly once when its reply was lost and the append is tried again',
  ]);
}, 60_000);
