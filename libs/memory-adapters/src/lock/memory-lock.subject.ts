import { type Clock, DrivenLock, type LockDriver } from '@redstart/ports';
import { faulty, type LockUnderTest, simulatedTroubles } from '@redstart/ports/contracts';
import { ManualClock } from '../clock/manual-clock.js';
import { MemoryLockDriver, MemoryLocks } from './memory-lock-driver.js';

type Driver = LockDriver & { close(): void };

/** For specs: two handles of one backend, the first over a driver that can be troubled. */
export async function openMemoryLock(
  makeDriver: (locks: MemoryLocks, clock: Clock) => Driver = (locks, clock) => new MemoryLockDriver(locks, clock),
): Promise<LockUnderTest> {
  const clock = new ManualClock();
  const locks = new MemoryLocks();
  const drivers = [makeDriver(locks, clock), makeDriver(locks, clock)] as const;
  const { faults, ...troubles } = simulatedTroubles({ advance: (ms) => clock.advance(ms), adds: [] });
  const settings = { clock, timeoutMs: 500 };
  return {
    subject: new DrivenLock(faulty<LockDriver>(drivers[0], faults), settings),
    other: new DrivenLock(drivers[1], settings),
    driver: drivers[1],
    ...troubles,
    closeSubject: async () => drivers[0].close(),
    close: async () => drivers.forEach((driver) => driver.close()),
  };
}
