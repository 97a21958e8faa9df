import { it } from '@jest/globals';
import { proveSuiteFails } from '../prove-suite-fails.js';

it('the leaderboard suite refuses an adapter where a lower version overwrites', async () => {
  await proveSuiteFails(new URL('./broken-leaderboard.fixture.ts', import.meta.url), [
    'ignores a lower version, and the same one again',
    'takes the highest version when one set has several of a member',
    'takes a member with score 0 off the list, and remembers its version',
    'remembers the version of a member that began at score 0',
    'keeps scores exact up to the largest safe integer',
    'ends with the highest version of each, whatever the order and the handle',
    'refuses what makes no sense, and sets nothing of it',
  ]);
}, 60_000);
