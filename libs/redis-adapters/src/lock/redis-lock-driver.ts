import { type Call, type Clock, LockDriver, type LockTaken } from '@redstart/ports';
import { coalesce } from '../connection/coalesce.js';
import { type RedisConnection } from '../connection/redis-connection.js';
import { lockKeys } from './keys.js';
import { leaseScript } from './lease.script.js';

export interface RedisLockSettings {
  clock: Clock;
  /** Default budget of a call, ms. */
  timeoutMs: number;
}

/** `ms` as the script takes it: above 0 take, below 0 renew, 0 release. */
interface LeaseCall {
  resource: string;
  token: string;
  ms: number;
}

export class RedisLockDriver extends LockDriver {
  private readonly lease: (input: LeaseCall, call?: Call) => Promise<string | number>;

  constructor(connection: RedisConnection, settings: RedisLockSettings) {
    super();
    const operation = 'lock.lease';
    this.lease = coalesce({
      operation,
      maxBatch: 500,
      ...settings,
      flush: async (batch: readonly LeaseCall[], call) => {
        const leaseAndFence = batch.flatMap(({ resource }) => {
          const keys = lockKeys(resource);
          return [keys.lease, keys.fence];
        });
        const tokenAndTtl = batch.flatMap(({ token, ms }) => [token, ms]);
        const options = { operation, call, acrossSlots: true };
        return (await connection.run(leaseScript, { leaseAndFence }, { tokenAndTtl }, options)) as (string | number)[];
      },
    });
  }

  async take(resource: string, token: string, ttlMs: number, call?: Call): Promise<LockTaken> {
    const answer = await this.lease({ resource, token, ms: ttlMs }, call);
    return typeof answer === 'string'
      ? { status: 'taken', fence: Number(answer) }
      : { status: 'busy', remainingMs: -answer };
  }

  async renew(resource: string, token: string, ttlMs: number, call?: Call): Promise<'renewed' | 'lost'> {
    return (await this.lease({ resource, token, ms: -ttlMs }, call)) === 1 ? 'renewed' : 'lost';
  }

  async release(resource: string, token: string, call?: Call): Promise<'released' | 'lost'> {
    return (await this.lease({ resource, token, ms: 0 }, call)) === 1 ? 'released' : 'lost';
  }
}
