import { randomUUID } from 'node:crypto';
import {
  type Call,
  type SeededSession,
  type Seeding,
  SessionDriver,
  type SessionKey,
  type SessionLookup,
} from '@redstart/ports';
import { type CommandOptions, type RedisConnection } from '../connection/redis-connection.js';
import { endAllScript } from './end-all.script.js';
import { endScript } from './end.script.js';
import { sessionKeys, userKeys } from './keys.js';
import { prepareScript } from './prepare.script.js';
import { readScript } from './read.script.js';
import { seedScript } from './seed.script.js';

export interface RedisSessionSettings {
  /** Default budget of a call, ms. */
  timeoutMs: number;
}

type ReadReply =
  | ['missing' | 'ended' | 'idle', nowMs: number]
  | ['active', nowMs: number, body: string, idleRemainingMs: number, verifiedAtMs: number];

/** Every script may run twice: all calls are repeated, within their budget, when the reply was cut. */
export class RedisSessionDriver extends SessionDriver {
  private connects = 0;

  constructor(
    private readonly connection: RedisConnection,
    private readonly settings: RedisSessionSettings,
  ) {
    super();
    connection.onReconnect(() => {
      this.connects += 1;
    });
  }

  /** Counted when the connection comes back: no answer comes between. */
  get interruptions(): number {
    return this.connects;
  }

  async read(at: SessionKey, call?: Call): Promise<SessionLookup> {
    const keys = sessionKeys(at.userId, at.tokenHash);
    const reply = (await this.connection.run(readScript, { ...keys }, {}, this.options('read', call))) as ReadReply;
    if (reply[0] !== 'active') return { status: reply[0], nowMs: reply[1] };
    const [status, nowMs, body, idleRemainingMs, verifiedAtMs] = reply;
    return { status, nowMs, body, idleRemainingMs, verifiedAtMs };
  }

  async prepare(userId: string, call?: Call): Promise<{ generation: string; nowMs: number }> {
    const { generation: key } = userKeys(userId);
    const args = { candidate: randomUUID() };
    const options = this.options('prepare', call);
    const reply = await this.connection.run(prepareScript, { generation: key }, args, options);
    const [generation, nowMs] = reply as [string, number];
    return { generation, nowMs };
  }

  async seed(at: SessionKey, session: SeededSession, call?: Call): Promise<Seeding> {
    const { verifiedAtMs: verifiedAt, ...rest } = session;
    const keys = sessionKeys(at.userId, at.tokenHash);
    const options = this.options('seed', call);
    const reply = await this.connection.run(seedScript, { ...keys }, { ...rest, verifiedAt }, options);
    const [status, idleRemainingMs] = reply as ['seeded', number] | ['ended' | 'superseded', undefined];
    return status === 'seeded' ? { status, idleRemainingMs } : { status };
  }

  async end(at: SessionKey, call?: Call): Promise<void> {
    const keys = sessionKeys(at.userId, at.tokenHash);
    await this.connection.run(endScript, { ...keys }, { successor: randomUUID() }, this.options('end', call));
  }

  async endAll(userId: string, call?: Call): Promise<void> {
    const args = { successor: randomUUID() };
    await this.connection.run(endAllScript, { ...userKeys(userId) }, args, this.options('endAll', call));
  }

  private options(method: string, call?: Call): CommandOptions {
    const { timeoutMs: budgetMs } = this.settings;
    return { operation: `session.${method}`, call: { budgetMs, ...call }, idempotent: true };
  }
}
