import {
  type Asked,
  type Call,
  checkTake,
  type Clock,
  type Limit,
  limitOf,
  RateLimiter,
  type Rule,
  type Take,
} from '@redstart/ports';
import { coalesce } from '../connection/coalesce.js';
import { type RedisConnection } from '../connection/redis-connection.js';
import { windowsKey } from './keys.js';
import { takeScript } from './take.script.js';

export interface RedisRateLimiterSettings {
  clock: Clock;
  /** Default budget of a call, ms. */
  timeoutMs: number;
}

interface TakeCall extends Asked {
  subject: string;
  rules: readonly Rule[];
}

/** Allowed (1 or 0), the server's time, what is taken in each window. */
type TakeReply = [allowed: number, nowMs: number, ...counts: number[]];

export class RedisRateLimiter extends RateLimiter {
  private readonly ask: (input: TakeCall, call?: Call) => Promise<TakeReply>;

  constructor(connection: RedisConnection, settings: RedisRateLimiterSettings) {
    super();
    const operation = 'limiter.take';
    this.ask = coalesce({
      operation,
      maxBatch: 500,
      ...settings,
      flush: async (batch: readonly TakeCall[], call) => {
        const windows = batch.map(({ subject, counter }) => windowsKey(subject, counter));
        const calls = batch.flatMap(({ cost, peek, rules }) => [
          cost,
          peek ? 0 : 1,
          rules.length,
          ...rules.flatMap(({ limit, windowMs }) => [limit, windowMs]),
        ]);
        // Not idempotent: a take whose reply was lost is not repeated, it could charge twice.
        return (await connection.run(
          takeScript,
          { windows },
          { calls },
          { operation, call, acrossSlots: true },
        )) as TakeReply[];
      },
    });
  }

  async take(subject: string, rules: readonly Rule[], options: Take = {}): Promise<Limit> {
    const asked = checkTake(subject, rules, options);
    const [allowed, nowMs, ...counts] = await this.ask({ ...asked, subject, rules }, options);
    return limitOf(rules, { allowed: allowed === 1, counts, cost: asked.cost, nowMs, source: 'shared' });
  }
}
