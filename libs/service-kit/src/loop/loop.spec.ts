import { describe, expect, it } from '@jest/globals';
import { SystemClock } from '@redstart/ports';
import { Loop } from './loop.js';

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

describe('a loop', () => {
  it('goes on after a run that failed, and says so', async () => {
    const faults: unknown[] = [];
    let runs = 0;
    const task = async () => {
      runs += 1;
      if (runs === 1) throw new Error('away');
    };
    const loop = new Loop({ clock: new SystemClock(), everyMs: 1, task, onFault: (error) => faults.push(error) });
    await until(() => runs >= 3);
    await loop.stop();
    expect(faults).toEqual([new Error('away')]);
  });

  it('never runs twice at once, and once more for a nudge that came meanwhile', async () => {
    let runs = 0;
    let release = () => {};
    const task = () => {
      runs += 1;
      return new Promise<void>((resolve) => (release = resolve));
    };
    const loop = new Loop({ clock: new SystemClock(), everyMs: 60_000, task, onFault: () => {} });
    loop.nudge();
    loop.nudge();
    expect(runs).toBe(1);
    release();
    await until(() => runs === 2);
    const stopped = loop.stop();
    release();
    await stopped;
    expect(runs).toBe(2);
  });

  it('runs again at once while there is more, and no more once it is stopped', async () => {
    let left = 3;
    let runs = 0;
    const task = async (): Promise<'again' | void> => {
      runs += 1;
      return --left > 0 ? 'again' : undefined;
    };
    const loop = new Loop({ clock: new SystemClock(), everyMs: 60_000, task, onFault: () => {} });
    await until(() => runs === 3);
    await loop.stop();
    loop.nudge();
    expect(runs).toBe(3);
  });
});
