import type { BoardEntry } from './leaderboard.js';

/** @throws RangeError for what `Leaderboard.set` refuses */
export function checkSet(board: string, entries: readonly BoardEntry[], ttlMs: number | undefined): void {
  checkBoard(board);
  for (const { member, score, version } of entries) {
    if (member === '') throw new RangeError('a member of a board has no name');
    if (!isNatural(score)) throw new RangeError(`the score of "${member}" is ${score}; it must be an integer from 0`);
    if (!isNatural(version)) throw new RangeError(`the version of "${member}" is ${version}`);
  }
  if (ttlMs !== undefined && (!isNatural(ttlMs) || ttlMs === 0)) {
    throw new RangeError(`ttlMs is ${ttlMs}; it must be an integer from 1`);
  }
}

/** @throws RangeError for what `Leaderboard.top` refuses */
export function checkTop(board: string, limit: number): void {
  checkBoard(board);
  if (!isNatural(limit) || limit < 1 || limit > 1_000) {
    throw new RangeError(`limit is ${limit}; it must be an integer from 1 to 1,000`);
  }
}

/** @throws RangeError */
export function checkBoard(board: string): void {
  if (board === '') throw new RangeError('the name of a board is empty');
}

function isNatural(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
