import { key, tag } from '../keys/key.js';

/** The keys of one board, in one slot: a board lives on one shard. Owner: `set.lua`. */
export interface BoardKeys {
  /**
   * ZSET by score of `<place>:<member>`, without those of score 0. The place is 16 digits that fall as members arrive:
   * among equal scores, read backwards, the first to arrive is first. TTL: the board's `ttlMs`, or none, and then
   * bounded by the number of members.
   */
  ranking: string;
  /**
   * HASH `m:<member>` → `<version>:<score>:<place>`, `incarnation`, `changes` (how many places were given). TTL and
   * bound as `ranking`.
   */
  members: string;
}

export function boardKeys(board: string): BoardKeys {
  const of = tag(board);
  return { ranking: key('leaderboard', of, 'ranking'), members: key('leaderboard', of, 'members') };
}
