import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Clock, Timer } from './clock.js';

export interface ClockUnderTest {
  clock: Clock;
  /** Lets time pass: moves the clock, or waits a little longer than that. */
  advance(ms: number): Promise<void>;
}

/** A timer of the machine may come so much early by its other clock. */
const EARLY_MS = 2;

/** What every clock owes. */
export function describeClockContract(name: string, factory: { open(): Promise<ClockUnderTest> }): void {
  describe(`${name}: clock`, () => {
    let clock: Clock;
    let advance: ClockUnderTest['advance'];
    let timers: Timer[];

    const after = (delayMs: number, task: () => void): Timer => {
      const timer = clock.after(delayMs, task);
      timers.push(timer);
      return timer;
    };

    beforeEach(async () => {
      timers = [];
      ({ clock, advance } = await factory.open());
    });

    afterEach(() => timers.forEach((timer) => timer.cancel()));

    it('tells whole epoch milliseconds, and counts what passes on both its hands', async () => {
      const [now, monotonicMs] = [clock.now(), clock.monotonicMs()];
      expect(Number.isInteger(now)).toBe(true);
      expect(now).toBeGreaterThan(Date.UTC(2020, 0, 1));
      await advance(100);
      expect(clock.now() - now).toBeGreaterThanOrEqual(100 - EARLY_MS);
      expect(clock.monotonicMs() - monotonicMs).toBeGreaterThanOrEqual(100 - EARLY_MS);
    });

    it('runs a task once, not before its time and not at once', async () => {
      const task = jest.fn();
      const setMs = clock.monotonicMs();
      let ranMs = 0;
      after(80, () => {
        ranMs = clock.monotonicMs();
        task();
      });
      await advance(30);
      expect(task).not.toHaveBeenCalled();
      await advance(100);
      expect(ranMs - setMs).toBeGreaterThanOrEqual(80 - EARLY_MS);
      await advance(100);
      expect(task).toHaveBeenCalledTimes(1);
    });

    it.each([0, -5])(
      'runs a task that is due (%i ms) soon, and never before it has answered the timer',
      async (delayMs) => {
        const task = jest.fn();
        after(delayMs, task);
        expect(task).not.toHaveBeenCalled();
        await advance(20);
        expect(task).toHaveBeenCalledTimes(1);
      },
    );

    it('does not run a task far in the future now', async () => {
      const task = jest.fn();
      // One more than fits a timer of Node's, which would then fire at once.
      after(2 ** 31, task);
      after(Number.MAX_SAFE_INTEGER, task);
      await advance(50);
      expect(task).not.toHaveBeenCalled();
    });

    it('runs tasks in the order of their times, and those of one time in the order they were set', async () => {
      const ran: string[] = [];
      after(90, () => ran.push('third'));
      after(40, () => ran.push('first'));
      after(40, () => ran.push('second'));
      await advance(150);
      expect(ran).toEqual(['first', 'second', 'third']);
    });

    it('runs a task that a task has set', async () => {
      const task = jest.fn();
      after(20, () => after(20, task));
      await advance(100);
      expect(task).toHaveBeenCalledTimes(1);
    });

    it('does not run a task that was cancelled; cancelling again, or too late, does nothing', async () => {
      const [cancelled, other] = [jest.fn(), jest.fn()];
      const timer = after(30, cancelled);
      const done = after(10, other);
      timer.cancel();
      timer.cancel();
      await advance(80);
      done.cancel();
      expect(cancelled).not.toHaveBeenCalled();
      expect(other).toHaveBeenCalledTimes(1);
    });

    it('sleeps for the time asked', async () => {
      let awake = false;
      const sleeping = clock.sleep(80).then(() => (awake = true));
      await advance(30);
      expect(awake).toBe(false);
      await advance(100);
      await sleeping;
      expect(awake).toBe(true);
    });

    it('wakes when the signal aborts, and does not fall asleep when it has', async () => {
      const controller = new AbortController();
      const sleeping = clock.sleep(60_000, controller.signal);
      controller.abort();
      await sleeping;
      await clock.sleep(60_000, controller.signal);
    });

    it('keeps no process alive', async () => {
      const timeouts = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
      const before = timeouts();
      after(60_000, () => undefined);
      expect(timeouts()).toBe(before);
    });
  });
}
