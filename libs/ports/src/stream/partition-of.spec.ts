import { expect, it } from '@jest/globals';
import { partitionOf } from './partition-of.js';

// Golden: a change here would tear the events of living subjects apart.
it.each([
  ['', 11],
  ['a', 3],
  ['order-1', 12],
  ['019acb0c-7d1e-7000-8000-000000000001', 7],
  ['naïve ✓', 13],
])('puts %j of 16 partitions into %i', (subject, partition) => {
  expect(partitionOf(subject, 16)).toBe(partition);
});

it('spreads ids that differ in their last digits evenly', () => {
  const counts = new Array<number>(16).fill(0);
  for (let n = 0; n < 16_000; n += 1) {
    const partition = partitionOf(`019acb0c-7d1e-7000-8000-${n.toString(16).padStart(12, '0')}`, 16);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  // 1000 each; 6 standard deviations.
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(190);
});
