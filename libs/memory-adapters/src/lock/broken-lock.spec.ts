import { it } from '@jest/globals';
import { proveSuiteFails } from '../prove-suite-fails.js';

it('the lock suite refuses an adapter whose release ignores the owner', async () => {
  await proveSuiteFails(new URL('./broken-lock.fixture.ts', import.meta.url), [
    'token releases nothing that another token holds',
    'token neither renews nor releases what nobody holds',
  ]);
}, 60_000);
