import { expect, it } from '@jest/globals';
import { type Call, DrivenLock, type LockTaken } from '@redstart/ports';
import { ManualClock } from '../clock/manual-clock.js';
import { MemoryLockDriver, MemoryLocks } from './memory-lock-driver.js';

class Counting extends MemoryLockDriver {
  takes = 0;
  override take(resource: string, token: string, ttlMs: number, call?: Call): Promise<LockTaken> {
    this.takes += 1;
    return super.take(resource, token, ttlMs, call);
  }
}

it('waits without hammering: some two questions a second, for as long as it takes', async () => {
  const clock = new ManualClock();
  const locks = new MemoryLocks();
  const driver = new Counting(locks, clock);
  const lock = new DrivenLock(driver, { clock, timeoutMs: 1_000 });
  await new MemoryLockDriver(locks, clock).take('busy', 'another', 60_000);
  let answer = '';
  const waiting = lock.acquire('busy', { ttlMs: 1_000, waitMs: 20_000 }).then(({ status }) => (answer = status));
  await clock.advance(19_990);
  expect(answer).toBe('');
  expect(driver.takes).toBeLessThan(90);
  expect(driver.takes).toBeGreaterThan(35);
  await clock.advance(20);
  expect(await waiting).toBe('busy');
});
