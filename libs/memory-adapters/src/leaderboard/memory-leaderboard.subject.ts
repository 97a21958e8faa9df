import { type Clock, type Leaderboard } from '@redstart/ports';
import { faulty, type LeaderboardUnderTest, simulatedTroubles } from '@redstart/ports/contracts';
import { ManualClock } from '../clock/manual-clock.js';
import { MemoryBoards, MemoryLeaderboard } from './memory-leaderboard.js';

type Closable = Leaderboard & { close(): void };

/** For specs: two handles of one backend, the first of which can be troubled. */
export async function openMemoryLeaderboard(
  make: (boards: MemoryBoards, clock: Clock) => Closable = (boards, clock) => new MemoryLeaderboard(boards, clock),
): Promise<LeaderboardUnderTest> {
  const clock = new ManualClock();
  const boards = new MemoryBoards();
  const handles = [make(boards, clock), make(boards, clock)] as const;
  const { faults, ...troubles } = simulatedTroubles({ advance: (ms) => clock.advance(ms), adds: ['set'] });
  return {
    subject: faulty<Leaderboard>(handles[0], faults),
    other: handles[1],
    ...troubles,
    closeSubject: async () => handles[0].close(),
    close: async () => handles.forEach((handle) => handle.close()),
  };
}
