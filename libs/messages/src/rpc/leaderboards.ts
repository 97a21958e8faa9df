import { rpc } from './rpc.js';

export interface LeaderboardItem {
  rank: number;
  userId: string;
  name: string;
  score: number;
}

export type LeaderboardWindow = 'all' | 'day' | 'week';

/** Refusal: `UNKNOWN_LEADERBOARD` 404. */
export const leaderboardsRpc = {
  top: rpc<{ name: string; limit: number; window: LeaderboardWindow }, { items: LeaderboardItem[] }>().as(
    'leaderboards.top',
  ),
};
