import {
  CacheDriver,
  type CacheKey,
  type CacheLook,
  type Call,
  type Clock,
  type LoadBegan,
  type LoadLease,
  type NewCacheEntry,
} from '@redstart/ports';
import { coalesce } from '../connection/coalesce.js';
import { type CommandOptions, type RedisConnection } from '../connection/redis-connection.js';
import { beginScript } from './begin.script.js';
import { fromEnvelope, toEnvelope, versionOf } from './entry-envelope.js';
import { giveBackScript } from './give-back.script.js';
import { cacheKeys } from './keys.js';
import { putScript } from './put.script.js';
import { removeScript } from './remove.script.js';
import { renewScript } from './renew.script.js';

export interface RedisCacheSettings {
  clock: Clock;
  /** Default budget of a call, ms. */
  timeoutMs: number;
}

export class RedisCacheDriver extends CacheDriver {
  private readonly readEntry: (key: string, call?: Call) => Promise<CacheLook>;

  constructor(
    private readonly connection: RedisConnection,
    private readonly settings: RedisCacheSettings,
  ) {
    super();
    this.readEntry = coalesce({
      operation: 'cache.read',
      maxBatch: 500,
      ...settings,
      flush: (keys: readonly string[], call) => this.readAll(keys, call),
    });
  }

  async read(at: CacheKey, call?: Call): Promise<CacheLook> {
    return this.readEntry(keysOf(at).entry, call);
  }

  async begin(at: CacheKey, load: LoadLease & { version: string }, call?: Call): Promise<LoadBegan> {
    const options = this.options('begin', call, { idempotent: true });
    const holder = await this.connection.run(beginScript, { ...keysOf(at) }, { ...load }, options);
    if (holder === load.token) return { status: 'begun' };
    return holder === '' ? { status: 'changed' } : { status: 'held', token: String(holder) };
  }

  async renew(at: CacheKey, lease: LoadLease, call?: Call): Promise<'renewed' | 'lost'> {
    const options = this.options('renew', call, { idempotent: true });
    const renewed = await this.connection.run(renewScript, { lease: keysOf(at).lease }, { ...lease }, options);
    return renewed === 1 ? 'renewed' : 'lost';
  }

  async finish(
    at: CacheKey,
    { token, entry }: { token: string; entry: NewCacheEntry },
    call?: Call,
  ): Promise<'finished' | 'superseded'> {
    return this.put(at, { token, entry }, this.options('finish', call));
  }

  async giveBack(
    at: CacheKey,
    { token, alsoEntry }: { token: string; alsoEntry: boolean },
    call?: Call,
  ): Promise<'finished' | 'superseded'> {
    const args = { token, alsoEntry: alsoEntry ? 1 : 0 };
    const done = await this.connection.run(giveBackScript, { ...keysOf(at) }, args, this.options('giveBack', call));
    return done === 1 ? 'finished' : 'superseded';
  }

  async store(at: CacheKey, entry: NewCacheEntry, call?: Call): Promise<void> {
    await this.put(at, { token: '', entry }, this.options('store', call, { idempotent: true }));
  }

  async remove(keys: readonly CacheKey[], call?: Call): Promise<void> {
    const entryAndLease = keys.flatMap((at) => {
      const { entry, lease } = keysOf(at);
      return [entry, lease];
    });
    const options = this.options('remove', call, { idempotent: true, acrossSlots: true });
    await this.connection.run(removeScript, { entryAndLease }, {}, options);
  }

  private async put(
    at: CacheKey,
    { token, entry }: { token: string; entry: NewCacheEntry },
    options: CommandOptions,
  ): Promise<'finished' | 'superseded'> {
    const args = { token, envelope: toEnvelope(entry), keepMs: Math.max(1, Math.round(entry.keepMs)) };
    const done = await this.connection.run(putScript, { ...keysOf(at) }, args, options);
    return done === 1 ? 'finished' : 'superseded';
  }

  /** TIME and MGET in one write: ages are the server's, and a batch costs two commands however many keys it has. */
  private async readAll(keys: readonly string[], call: Call): Promise<CacheLook[]> {
    const options = { operation: 'cache.read', call, idempotent: true };
    const [time, values] = await this.connection.pipeline(options, (pipeline) =>
      pipeline.command('TIME').commandBuffer('MGET', ...keys),
    );
    for (const reply of [time, values]) if (reply instanceof Error) throw reply;
    const [seconds, micros] = time as [string, string];
    const nowMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    return (values as (Buffer | null)[]).map((value) => ({
      version: value ? versionOf(value) : '',
      entry: value ? fromEnvelope(value, nowMs) : undefined,
    }));
  }

  private options(method: string, call?: Call, rest: Partial<CommandOptions> = {}): CommandOptions {
    const { timeoutMs: budgetMs } = this.settings;
    return { operation: `cache.${method}`, call: { budgetMs, ...call }, ...rest };
  }
}

function keysOf(at: CacheKey): { entry: string; lease: string } {
  return cacheKeys(at.space, at.key);
}
