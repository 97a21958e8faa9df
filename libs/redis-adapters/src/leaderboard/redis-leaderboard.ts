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
import { type RedisConnection } from '../connection/redis-connection.js';
import { boardKeys } from './keys.js';
import { setScript } from './set.script.js';

export interface RedisLeaderboardSettings {
  clock: Clock;
  /** Default budget of a call, ms. */
  timeoutMs: number;
}

/** One script call blocks the server as long as it runs: a larger set is several. */
const MOST_ENTRIES = 500;
/** A place and its colon. */
const PLACE_LENGTH = 17;

export class RedisLeaderboard extends Leaderboard {
  constructor(
    private readonly connection: RedisConnection,
    private readonly settings: RedisLeaderboardSettings,
  ) {
    super();
  }

  async set(board: string, entries: readonly BoardEntry[], options: Call & { ttlMs?: number } = {}): Promise<void> {
    checkSet(board, entries, options.ttlMs);
    const { clock, timeoutMs } = this.settings;
    const untilMs = clock.monotonicMs() + (options.budgetMs ?? timeoutMs);
    const keys = { ...boardKeys(board) };
    for (let from = 0; from < entries.length; from += MOST_ENTRIES) {
      const some = entries.slice(from, from + MOST_ENTRIES);
      const args = {
        incarnation: randomUUID(),
        ttlMs: options.ttlMs ?? 0,
        entries: some.flatMap(({ member, score, version }) => [member, score, version]),
      };
      const call = { ...options, budgetMs: Math.max(1, untilMs - clock.monotonicMs()) };
      await this.connection.run(setScript, keys, args, { operation: 'leaderboard.set', call, idempotent: true });
    }
  }

  async top(board: string, options: Call & { limit: number }): Promise<Ranked[]> {
    checkTop(board, options.limit);
    const { ranking } = boardKeys(board);
    const reply = await this.connection.command(
      { operation: 'leaderboard.top', call: options, idempotent: true },
      (redis) => redis.zrevrange(ranking, 0, options.limit - 1, 'WITHSCORES'),
    );
    const ranked: Ranked[] = [];
    for (let i = 0; i + 1 < reply.length; i += 2) {
      ranked.push({ rank: i / 2 + 1, member: reply[i]!.slice(PLACE_LENGTH), score: Number(reply[i + 1]) });
    }
    return ranked;
  }

  async incarnation(board: string, call?: Call): Promise<string | undefined> {
    checkBoard(board);
    const { members } = boardKeys(board);
    const reply = await this.connection.command(
      { operation: 'leaderboard.incarnation', call, idempotent: true },
      (redis) => redis.hget(members, 'incarnation'),
    );
    return reply ?? undefined;
  }
}
