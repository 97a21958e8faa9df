import { type SessionDriver } from '@redstart/ports';
import { faulty, type SessionsUnderTest, simulatedTroubles } from '@redstart/ports/contracts';
import { ManualClock } from '../clock/manual-clock.js';
import { MemorySessionDriver, MemorySessions } from './memory-session-driver.js';

type Driver = SessionDriver & { close(): Promise<void> };

/** For specs: two handles of one backend, the first over a driver that can be troubled. */
export async function openMemorySessions(
  makeDriver: (sessions: MemorySessions) => Driver = (sessions) => new MemorySessionDriver(sessions),
): Promise<SessionsUnderTest> {
  const clock = new ManualClock();
  const sessions = new MemorySessions(clock);
  const timeoutMs = 200;
  const drivers = [makeDriver(sessions), makeDriver(sessions)] as const;
  const { faults, ...troubles } = simulatedTroubles({
    advance: (ms) => clock.advance(ms),
    adds: ['prepare', 'seed'],
  });
  faults.timeoutMs = timeoutMs;
  return {
    ...troubles,
    subject: faulty<SessionDriver>(drivers[0], faults),
    other: drivers[1],
    clock,
    timeoutMs,
    sever: async () => {
      Object.assign(faults, { failRate: 1, atMost: undefined });
      return async () => void (faults.failRate = 0);
    },
    // A backend of one test holds nothing of any other.
    forget: async () => sessions.flush(),
    closeSubject: () => drivers[0].close(),
    close: async () => {
      for (const driver of drivers) await driver.close();
    },
  };
}
