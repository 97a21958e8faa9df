import type { LeaderboardItem, LeaderboardWindow } from '@redstart/messages';
import { BackendFault, type Clock, type Leaderboard, type Ranked } from '@redstart/ports';
import { spendWindows } from '../domain/spend-windows.js';
import { UnknownLeaderboardError } from './board-errors.js';
import type { SpendStore } from './spend-store.js';

export interface ReadBoardParts {
  store: SpendStore<never>;
  leaderboard: Leaderboard;
  clock: Clock;
}

/**
 * The first of a board with their names; while Redis is away or has just lost the board, as PostgreSQL has it.
 * @throws UnknownLeaderboardError
 */
export async function readBoard(
  { store, leaderboard, clock }: ReadBoardParts,
  { name, limit, window }: { name: string; limit: number; window: LeaderboardWindow },
): Promise<LeaderboardItem[]> {
  if (name !== 'spend') throw new UnknownLeaderboardError(name);
  const { board } = spendWindows(new Date(clock.now()))[window];
  const ranked = (await fastTop(leaderboard, board, limit)) ?? (await store.top(board, limit));
  const names = await store.names(ranked.map(({ member }) => member));
  return ranked.map(({ rank, member, score }) => ({ rank, userId: member, name: names.get(member) ?? '', score }));
}

async function fastTop(leaderboard: Leaderboard, board: string, limit: number): Promise<Ranked[] | undefined> {
  try {
    const ranked = await leaderboard.top(board, { limit });
    return ranked.length > 0 ? ranked : undefined;
  } catch (error) {
    if (error instanceof BackendFault) return undefined;
    throw error;
  }
}
