import { randomUUID } from 'node:crypto';
import {
  type BoardEntry,
  type Call,
  checkBoard,
  checkSet,
  checkTop,
  type Clock,
  Leaderboard,
  type Ranked,
} from '@redstart/ports';
import { OpenHandle } from '../open-handle.js';

interface Standing {
  score: number;
  version: number;
  /** Grows with each change of a score: among equals the lower one was first. */
  reached: number;
}

interface Board {
  incarnation: string;
  members: Map<string, Standing>;
  changes: number;
  expiresAt: number;
}

/** What the leaderboards of one backend share. */
export class MemoryBoards {
  private readonly boards = new Map<string, Board>();

  find(name: string, now: number): Board | undefined {
    const board = this.boards.get(name);
    if (!board || board.expiresAt > now) return board;
    this.boards.delete(name);
    return undefined;
  }

  findOrMake(name: string, now: number): Board {
    const found = this.find(name, now);
    if (found) return found;
    // Boards of a day go when the next day's is made.
    for (const [old, { expiresAt }] of this.boards) if (expiresAt <= now) this.boards.delete(old);
    const made = { incarnation: randomUUID(), members: new Map(), changes: 0, expiresAt: Infinity };
    this.boards.set(name, made);
    return made;
  }
}

export class MemoryLeaderboard extends Leaderboard {
  private readonly handle = new OpenHandle('leaderboard');

  constructor(
    private readonly boards: MemoryBoards,
    private readonly clock: Clock,
  ) {
    super();
  }

  async set(name: string, entries: readonly BoardEntry[], options: Call & { ttlMs?: number } = {}): Promise<void> {
    checkSet(name, entries, options.ttlMs);
    this.handle.enter('set', options);
    if (entries.length === 0) return;
    const now = this.clock.now();
    const board = this.boards.findOrMake(name, now);
    board.expiresAt = options.ttlMs === undefined ? Infinity : now + options.ttlMs;
    for (const { member, score, version } of entries) {
      const known = board.members.get(member);
      if (known && known.version >= version) continue;
      const reached = known?.score === score ? known.reached : ++board.changes;
      board.members.set(member, { score, version, reached });
    }
  }

  async top(name: string, options: Call & { limit: number }): Promise<Ranked[]> {
    checkTop(name, options.limit);
    this.handle.enter('top', options);
    const members = this.boards.find(name, this.clock.now())?.members ?? new Map<string, Standing>();
    return [...members]
      .filter(([, { score }]) => score > 0)
      .sort(([, a], [, b]) => b.score - a.score || a.reached - b.reached)
      .slice(0, options.limit)
      .map(([member, { score }], i) => ({ rank: i + 1, member, score }));
  }

  async incarnation(name: string, call?: Call): Promise<string | undefined> {
    checkBoard(name);
    this.handle.enter('incarnation', call);
    return this.boards.find(name, this.clock.now())?.incarnation;
  }

  close(): void {
    this.handle.close();
  }
}
