import type { Clock, Leaderboard } from '@redstart/ports';
import type { BoardWindow } from '../domain/spend-windows.js';
import type { SpendStore } from './spend-store.js';

export interface PublishBoardsParts {
  store: SpendStore<never>;
  leaderboard: Leaderboard;
  clock: Clock;
}

const BATCH = 500;

/**
 * Brings the boards in Redis up to the truth. Setting is by version, so repeating and racing do no harm. What was told
 * counts as published to one incarnation only: a board that has another one (a flush) is told everything anew, by
 * whichever replica sees it first.
 */
export async function publishBoards(parts: PublishBoardsParts): Promise<void> {
  for (const board of await parts.store.boards()) await publishBoard(parts, board);
}

async function publishBoard(
  { store, leaderboard, clock }: PublishBoardsParts,
  { board, expiresAt, incarnation: published }: BoardWindow & { incarnation?: string },
): Promise<void> {
  const ttlMs = expiresAt && expiresAt.getTime() - clock.now();
  if (ttlMs !== undefined && ttlMs <= 0) return;
  let incarnation = await leaderboard.incarnation(board);
  if (incarnation !== published) await store.adopt(board, incarnation);
  for (;;) {
    const entries = await store.unpublished(board, BATCH);
    if (entries.length === 0) return;
    await leaderboard.set(board, entries, { ttlMs });
    // The same before and after: the entries are in it. Another: the board was made just now, or lost meanwhile.
    const present = await leaderboard.incarnation(board);
    if (present !== undefined && present === incarnation) {
      await store.markPublished(board, entries, present);
    } else {
      await store.adopt(board, present);
      if (present === undefined) return;
      incarnation = present;
    }
  }
}
