import { expect, it } from '@jest/globals';
import { proveSuiteFails } from './prove-suite-fails.js';

const fixture = new URL('./prove-suite-fails.fixture.ts', import.meta.url);

it('accepts exactly the failures that were named', async () => {
  const run = await proveSuiteFails(fixture, ['a fixture fails']);
  expect(run).toMatchObject({ exitCode: 1, passed: ['a fixture passes'], failed: ['a fixture fails'] });
}, 60_000);

it('refuses a failure that was named and did not come, and one that came unnamed', async () => {
  await expect(proveSuiteFails(fixture, ['a fixture passes'])).rejects.toThrow(
    /was to fail, and did not: a fixture passes\nfailed, and was not to: a fixture fails/,
  );
}, 60_000);
