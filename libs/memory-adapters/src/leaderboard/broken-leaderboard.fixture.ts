import { type BoardEntry, type Call, type Clock } from '@redstart/ports';
import { describeLeaderboardContract } from '@redstart/ports/contracts';
import { type MemoryBoards, MemoryLeaderboard } from './memory-leaderboard.js';
import { openMemoryLeaderboard } from './memory-leaderboard.subject.js';

// Run by broken-leaderboard.spec.ts: the suite must refuse this adapter.

/** What comes last wins, whatever its version: an event that is delivered late, or again, turns a score back. */
class LastOneWins extends MemoryLeaderboard {
  constructor(
    private readonly all: MemoryBoards,
    private readonly time: Clock,
  ) {
    super(all, time);
  }

  override async set(name: string, entries: readonly BoardEntry[], options?: Call & { ttlMs?: number }): Promise<void> {
    for (const entry of entries) {
      const known = this.all.find(name, this.time.now())?.members.get(entry.member);
      if (known) known.version = -1;
      await super.set(name, [entry], options);
    }
  }
}

describeLeaderboardContract('a broken adapter', {
  open: () => openMemoryLeaderboard((boards, clock) => new LastOneWins(boards, clock)),
});
