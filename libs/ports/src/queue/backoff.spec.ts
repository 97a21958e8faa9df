import { expect, it } from '@jest/globals';
import { backoffMs } from './backoff.js';

const backoff = { firstMs: 100, maxMs: 1_000, jitter: 1 };

it('doubles its bound with each attempt, up to the most', () => {
  const bounds = [1, 2, 3, 4, 5, 100, 5_000].map((attempt) => backoffMs(backoff, attempt, () => 0));
  expect(bounds).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
});

it('makes the share random that is asked for', () => {
  expect(backoffMs({ ...backoff, jitter: 0 }, 2, () => 0.999)).toBe(200);
  expect(backoffMs({ ...backoff, jitter: 0.5 }, 2, () => 1)).toBe(100);
  expect(backoffMs({ ...backoff, jitter: 1 }, 2, () => 1)).toBe(0);
});
