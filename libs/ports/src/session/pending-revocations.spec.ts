import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { RefusedFault, UnavailableFault } from '../call/backend-fault.js';
import { type Timer } from '../clock/clock.js';
import { SystemClock } from '../clock/system-clock.js';
import { eventually } from '../eventually/eventually.js';
import { PendingRevocations } from './pending-revocations.js';

/** A hundred times as fast, and it tells how long was waited. */
class FastClock extends SystemClock {
  readonly waits: number[] = [];
  override after(delayMs: number, task: () => void): Timer {
    this.waits.push(delayMs);
    return super.after(delayMs / 100, task);
  }
}

const away = () => new UnavailableFault('away', { effect: 'none', operation: 'session.end' });
const refused = () => new RefusedFault('WRONGTYPE', { effect: 'unknown', operation: 'session.end' });

describe('PendingRevocations', () => {
  const opened: PendingRevocations[] = [];
  const open = (clock = new FastClock(), onFault: (error: unknown) => void = () => undefined) => {
    const pending = new PendingRevocations(clock, onFault, () => 1);
    opened.push(pending);
    return pending;
  };
  afterEach(() => opened.splice(0).forEach((pending) => pending.close()));

  it('tries again, less and less often, until each got through', async () => {
    const clock = new FastClock();
    const pending = open(clock);
    let failures = 4;
    const revoke = jest.fn(async () => {
      failures -= 1;
      if (failures >= 0) throw away();
    });
    const other = jest.fn(async () => undefined);
    pending.add('first', revoke);
    pending.add('second', other);
    await eventually(() => expect(pending.size).toBe(0));
    expect(revoke).toHaveBeenCalledTimes(5);
    expect(other).toHaveBeenCalledTimes(1);
    expect(clock.waits).toEqual([200, 400, 800, 1_600, 3_200]);
  });

  it('is not held up by one that will never get through, and tells of it', async () => {
    const onFault = jest.fn();
    const pending = open(new FastClock(), onFault);
    pending.add('poison', async () => Promise.reject(refused()));
    const other = jest.fn(async () => undefined);
    pending.add('other', other);
    await eventually(() => expect(pending.size).toBe(0));
    expect(other).toHaveBeenCalledTimes(1);
    expect(onFault).toHaveBeenCalledWith(expect.objectContaining({ code: 'REFUSED' }));
  });

  it('holds no more than 10,000, and nothing once it is closed', () => {
    const pending = open();
    for (let index = 0; index < 10_005; index += 1) pending.add(`session-${index}`, async () => undefined);
    expect(pending.size).toBe(10_000);
    pending.close();
    expect(pending.size).toBe(0);
    pending.add('late', async () => undefined);
    expect(pending.size).toBe(0);
  });
});
