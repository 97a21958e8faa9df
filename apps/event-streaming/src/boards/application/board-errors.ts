/** There is no board of that name. */
export class UnknownLeaderboardError extends Error {
  readonly code = 'UNKNOWN_LEADERBOARD';
  constructor(readonly board: string) {
    super(`there is no leaderboard "${board}"; there is "spend"`);
    this.name = 'UnknownLeaderboardError';
  }
}
