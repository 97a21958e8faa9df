import { expect, it } from '@jest/globals';
import { describeClockContract } from '@redstart/ports/contracts';
import { ManualClock } from './manual-clock.js';

describeClockContract('manual', {
  open: async () => {
    const clock = new ManualClock();
    return { clock, advance: (ms) => clock.advance(ms) };
  },
});

it('stands still unless it is moved, and is where it was moved to', async () => {
  const clock = new ManualClock(Date.UTC(2026, 5, 1));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([clock.now(), clock.monotonicMs()]).toEqual([Date.UTC(2026, 5, 1), 0]);
  await clock.advance(1_234);
  expect([clock.now(), clock.monotonicMs()]).toEqual([Date.UTC(2026, 5, 1) + 1_234, 1_234]);
});

it('lets what a timer started settle before the next one fires', async () => {
  const clock = new ManualClock();
  const ran: string[] = [];
  clock.after(10, () => void Promise.resolve().then(() => ran.push('started by the first')));
  clock.after(20, () => ran.push('second'));
  await clock.advance(30);
  expect(ran).toEqual(['started by the first', 'second']);
});
