import type { Call } from '../call/call.js';

export interface BoardEntry {
  /** Not empty. */
  member: string;
  /** A safe integer from 0. */
  score: number;
  /**
   * A safe integer from 0. The highest version of a member wins; lower or equal ones are ignored, so a repeated or late
   * `set` does no harm.
   */
  version: number;
}

export interface Ranked {
  /** From 1, each once. Equal scores: who reached the score first, in the order in which it was set here, stands above. */
  rank: number;
  member: string;
  score: number;
}

/** Boards of members by score, highest first. State, not increments: the truth is elsewhere and can be set again. */
export abstract class Leaderboard {
  /**
   * Sets members' scores; a score of 0 takes the member off the list but keeps its version. A higher version with the
   * same score keeps the member's place among equals. Up to 500 entries are one atomic step, more are several in order;
   * a set that failed may be repeated.
   * `ttlMs`: how long the board lives after its last `set` (a board of a day or a week). Without it, for ever: bounded
   * by the number of members.
   * @throws RangeError for an empty board or member, or numbers outside their ranges
   */
  abstract set(board: string, entries: readonly BoardEntry[], options?: Call & { ttlMs?: number }): Promise<void>;
  /** The first `limit` (1 to 1,000). An absent board is empty. */
  abstract top(board: string, options: Call & { limit: number }): Promise<Ranked[]>;
  /**
   * A name made when the board was first written; undefined where there is no board. Another answer than the one that
   * was seen means that the board was lost meanwhile: set everything again.
   */
  abstract incarnation(board: string, call?: Call): Promise<string | undefined>;
}
