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
 * Brings the boards in Redis up to the truth. Setting is by version, so repeating and racing do no harm. A board whose
 * incarnation is not the one that was published to (a flush, a failover) is published anew from the beginning.
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
  const present = await leaderboard.incarnation(board);
  const lost = present === undefined || present !== published;
  if (lost) await store.unpublishAll(board);
  let first: string | undefined;
  for (;;) {
    const entries = await store.unpublished(board, BATCH);
    if (entries.length === 0) break;
    await leaderboard.set(board, entries, { ttlMs });
    first ??= await leaderboard.incarnation(board);
    await store.markPublished(board, entries);
  }
  // Only when nothing was lost in between does this incarnation hold all of it.
  const last = lost ? await leaderboard.incarnation(board) : undefined;
  if (last !== undefined && last === first) await store.setIncarnation(board, last);
}
