import { type Clock, type RateLimiter } from '@redstart/ports';
import { faulty, type RateLimiterUnderTest, simulatedTroubles } from '@redstart/ports/contracts';
import { ManualClock } from '../clock/manual-clock.js';
import { MemoryRateLimiter, MemoryWindows } from './memory-rate-limiter.js';

type Limiter = RateLimiter & { close(): void };

/** For specs: two handles of one backend, the first of which can be troubled. */
export async function openMemoryRateLimiter(
  make: (windows: MemoryWindows, clock: Clock) => Limiter = (windows, clock) => new MemoryRateLimiter(windows, clock),
): Promise<RateLimiterUnderTest> {
  const clock = new ManualClock();
  const windows = new MemoryWindows();
  const limiters = [make(windows, clock), make(windows, clock)] as const;
  const { faults, ...troubles } = simulatedTroubles({ advance: (ms) => clock.advance(ms), adds: ['take'] });
  return {
    subject: faulty<RateLimiter>(limiters[0], faults),
    other: limiters[1],
    nowMs: () => clock.now(),
    ...troubles,
    closeSubject: async () => limiters[0].close(),
    close: async () => limiters.forEach((limiter) => limiter.close()),
  };
}
