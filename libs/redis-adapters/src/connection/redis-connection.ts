import {
  AbortedFault,
  type BackendFault,
  type Call,
  ClosedFault,
  type Clock,
  TimeoutFault,
  TooLargeFault,
  UnavailableFault,
} from '@redstart/ports';
import { Redis, type RedisOptions } from 'ioredis';
import { assertOneSlot } from '../keys/one-slot.js';
import { type Script, type ScriptArguments, type ScriptKeys, scriptOperands } from '../script/script.js';
import { end } from './end.js';
import { RedisPipeline } from './pipeline.js';
import { reconnectDelayMs } from './reconnect-delay.js';
import { parseRedisUrl, type RedisTarget } from './redis-url.js';
import { faultOf, isNoScript, wasNeverWritten } from './reply-fault.js';
import { Subscriber, type Subscription } from './subscriber.js';

export interface RedisConnectionSettings {
  /** `redis://[user:password@]host[:port][/database]`. */
  url: string;
  /** The setting that the URL is from, for messages. Default `REDIS_URL`. */
  urlSetting?: string;
  /** Default budget of a call, ms. */
  timeoutMs: number;
  clock: Clock;
  /** Bytes of the largest value that `refuseOversize` lets pass. Default 1 MiB. */
  maxValueBytes?: number;
  /** Shown in the server's CLIENT LIST. No spaces. */
  name?: string;
  /** Told of what nobody awaits: a lost connection (its beginning, and every 10 s), a listener that threw. */
  onFault?: (error: unknown) => void;
}

export interface CommandOptions {
  /** The port and method, `lock.acquire`; faults carry it. */
  operation: string;
  call?: Call | undefined;
  /**
   * Running it twice does what running it once does, with the same answer. Only then is it tried again, within its
   * budget, when the connection was cut before the reply.
   */
  idempotent?: boolean;
  /**
   * The keys belong to independent calls gathered into one script (see `coalesce`), so they need not share a slot. A
   * cluster will run one script a slot. Without it, `run` throws when keys have different tags.
   */
  acrossSlots?: boolean;
}

/** `wanted`: the caller still waits; a second step (EVAL after NOSCRIPT) is not sent once nobody does. */
type Send<T> = (redis: Redis, wanted: () => boolean) => Promise<T>;

/** `idle` until the first call: nothing connects before it is needed. */
export type ConnectionState = 'idle' | 'connecting' | 'ready' | 'closed';

const ONE_MIB = 1024 * 1024;
const REPORT_EVERY_MS = 10_000;

/**
 * The two connections of a process to one Redis node: commands, and (from the first subscription on) messages.
 *
 * Every call ends within its budget, and rejects only with a `BackendFault` whose `effect` is true: `none` when it was
 * never written or the server said that it did nothing, `unknown` when it was written and no reply came. Nothing is
 * queued while there is no connection: a call waits for it during a part of its budget and is then refused, so a
 * command never runs later with nobody waiting. Replies are raw; the caller decodes them at once.
 */
export class RedisConnection {
  private readonly target: RedisTarget;
  private readonly redis: Redis;
  private readonly subscriber: Subscriber;
  private readonly waiting = new Set<() => void>();
  private readonly reconnected = new Set<() => void>();
  private readonly clock: Clock;
  private readonly timeoutMs: number;
  private readonly maxValueBytes: number;
  private readonly onFault: (error: unknown) => void;
  private downSinceMs: number;
  private trouble: { error: unknown; reportedAtMs: number } | undefined;
  private wasReady = false;
  private cuts = 0;
  private inFlight = 0;
  private whenIdle: (() => void) | undefined;
  private closing: Promise<void> | undefined;

  constructor(settings: RedisConnectionSettings) {
    this.target = parseRedisUrl(settings.url, settings.urlSetting);
    this.clock = settings.clock;
    this.timeoutMs = settings.timeoutMs;
    this.maxValueBytes = settings.maxValueBytes ?? ONE_MIB;
    this.downSinceMs = this.clock.monotonicMs();
    this.onFault = settings.onFault ?? (() => undefined);
    const name = settings.name ?? 'redstart';
    this.redis = new Redis({ ...clientOptions(this.target, this.timeoutMs), connectionName: name });
    this.redis.on('error', (error) => this.reportTrouble(error));
    this.redis.on('close', () => this.onClose());
    this.redis.on('ready', () => this.onReady());
    this.subscriber = new Subscriber({
      open: () => new Redis({ ...clientOptions(this.target, this.timeoutMs), connectionName: `${name}:subscriber` }),
      onTrouble: (error) => this.reportTrouble(error),
      onFault: this.onFault,
    });
  }

  get state(): ConnectionState {
    if (this.closing) return 'closed';
    if (this.redis.status === 'wait') return 'idle';
    return this.redis.status === 'ready' ? 'ready' : 'connecting';
  }

  /** How often a connection that was ready was lost. It has grown by the time that a call which was cut rejects. */
  get interruptions(): number {
    return this.cuts;
  }

  /** Host and port, for logs and messages. */
  get address(): string {
    return `${this.target.host}:${this.target.port}`;
  }

  /**
   * Runs a script by its hash, by its text when the server does not know it (new, restarted, failed over, flushed).
   * Replies as ioredis gives them: integers as numbers, strings as UTF-8, arrays, null.
   */
  async run<K extends ScriptKeys, A extends ScriptArguments>(
    script: Script<K, A>,
    keys: K,
    args: A,
    options: CommandOptions,
  ): Promise<unknown> {
    const operands = this.operands(script, keys, args, options);
    return this.perform(options, (redis, wanted) =>
      redis.call('evalsha', script.sha1, ...operands).catch((error) => {
        if (isNoScript(error) && wanted()) return redis.call('eval', script.source, ...operands);
        throw error;
      }),
    );
  }

  /** `run`, with strings as Buffers. */
  async runBuffer<K extends ScriptKeys, A extends ScriptArguments>(
    script: Script<K, A>,
    keys: K,
    args: A,
    options: CommandOptions,
  ): Promise<unknown> {
    const operands = this.operands(script, keys, args, options);
    return this.perform(options, (redis, wanted) =>
      redis.callBuffer('evalsha', script.sha1, ...operands).catch((error) => {
        if (isNoScript(error) && wanted()) return redis.callBuffer('eval', script.source, ...operands);
        throw error;
      }),
    );
  }

  /** One plain command: `command({ operation: 'cache.get' }, (redis) => redis.getBuffer(key))`. `send` calls exactly one. */
  command<T>(options: CommandOptions, send: (redis: Redis) => Promise<T>): Promise<T> {
    return this.perform(options, send);
  }

  /**
   * Several commands and scripts in one write. Not atomic. Answers one reply each, in order; where one failed, a
   * `BackendFault` stands in its place. Rejects when no reply came, or none in time.
   */
  pipeline(options: CommandOptions, build: (pipeline: RedisPipeline) => void): Promise<readonly unknown[]> {
    return this.perform(options, (redis, wanted) => {
      const pipeline = new RedisPipeline(redis, options.operation, this.address);
      build(pipeline);
      return pipeline.exec(wanted);
    });
  }

  /** Round trip on each open connection. Rejects like every call. */
  async ping(call?: Call): Promise<void> {
    await this.perform({ operation: 'redis.ping', call, idempotent: true }, (redis) =>
      Promise.all([redis.ping(), this.subscriber.ping()]),
    );
  }

  /**
   * Listens on a sharded channel (SSUBSCRIBE). At most once: what is published while the connection is away is lost,
   * so `onResubscribed` says "look for yourself"; it is called each time the server has confirmed again after a cut.
   */
  subscribe(channel: string, listener: (message: string) => void, onResubscribed?: () => void): Subscription {
    if (this.closing) throw this.closedFault('redis.subscribe', 'none');
    return this.subscriber.subscribe(channel, listener, onResubscribed);
  }

  /** Calls `listener` whenever the command connection is there (again). Answers how to stop. */
  onReconnect(listener: () => void): () => void {
    this.reconnected.add(listener);
    return () => this.reconnected.delete(listener);
  }

  /** @throws TooLargeFault when `bytes` is over the limit of one value. */
  refuseOversize(operation: string, bytes: number): void {
    if (bytes <= this.maxValueBytes) return;
    const message = `a value of ${bytes} bytes is over the limit of ${this.maxValueBytes}`;
    throw new TooLargeFault(message, { effect: 'none', operation });
  }

  /** Refuses new calls, lets those in flight end (each within its budget), then disconnects. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    // After the field is set: waiters wake up to find the connection closed.
    await Promise.resolve();
    this.wake();
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve));
    await Promise.all([end(this.redis), this.subscriber.close()]);
  }

  private onClose(): void {
    this.downSinceMs = this.clock.monotonicMs();
    if (!this.wasReady) return;
    this.wasReady = false;
    this.cuts += 1;
    const message = `lost the connection to Redis at ${this.address}`;
    if (!this.closing)
      this.reportTrouble(new UnavailableFault(message, { effect: 'none', operation: 'redis.connect' }));
  }

  private onReady(): void {
    this.wasReady = true;
    this.trouble = undefined;
    this.wake();
    for (const listener of [...this.reconnected]) {
      try {
        listener();
      } catch (error) {
        this.onFault(error);
      }
    }
  }

  /** An outage is an attempt after the other: told at its beginning and now and then, not at each. */
  private reportTrouble(error: unknown): void {
    const nowMs = this.clock.monotonicMs();
    const due = this.trouble === undefined || nowMs - this.trouble.reportedAtMs >= REPORT_EVERY_MS;
    this.trouble = { error, reportedAtMs: due ? nowMs : this.trouble!.reportedAtMs };
    if (due) this.onFault(error);
  }

  private operands<K extends ScriptKeys, A extends ScriptArguments>(
    script: Script<K, A>,
    keys: K,
    args: A,
    options: CommandOptions,
  ): ReturnType<typeof scriptOperands> {
    const operands = scriptOperands(script, keys, args);
    if (!options.acrossSlots) assertOneSlot(script.name, operands.slice(1, operands[0] + 1));
    return operands;
  }

  private async perform<T>(options: CommandOptions, send: Send<T>): Promise<T> {
    const { operation, call } = options;
    const deadlineMs = this.clock.monotonicMs() + (call?.budgetMs ?? this.timeoutMs);
    if (this.closing) throw this.closedFault(operation, 'none');
    if (call?.signal?.aborted)
      throw new AbortedFault('aborted', { effect: 'none', operation, cause: call.signal.reason });
    this.inFlight += 1;
    try {
      for (;;) {
        if (!this.isWritable()) await this.connected(options, deadlineMs);
        if (this.clock.monotonicMs() >= deadlineMs) {
          throw new TimeoutFault('the budget was spent before it was sent', { effect: 'none', operation });
        }
        let wanted = true;
        // Not within the `try`: what throws here was never sent, and is a bug, not a fault.
        const reply = send(this.redis, () => wanted);
        try {
          return await this.within(options, deadlineMs, reply);
        } catch (error) {
          wanted = false;
          const fault = this.closing ? this.whileClosing(error, operation) : this.faultOf(error, operation);
          const safe = wasNeverWritten(error) || (options.idempotent === true && fault.effect === 'unknown');
          const again = fault instanceof UnavailableFault && safe && this.clock.monotonicMs() < deadlineMs;
          if (!again) throw fault;
        }
      }
    } finally {
      this.inFlight -= 1;
      if (this.inFlight === 0) this.whenIdle?.();
    }
  }

  private faultOf(error: unknown, operation: string): BackendFault {
    return isFault(error) ? error : faultOf(error, operation, this.address);
  }

  private whileClosing(error: unknown, operation: string): BackendFault {
    const fault = this.faultOf(error, operation);
    return fault instanceof UnavailableFault ? this.closedFault(operation, fault.effect, error) : fault;
  }

  private closedFault(operation: string, effect: 'none' | 'unknown', cause?: unknown): ClosedFault {
    return new ClosedFault('the connection was closed', { effect, operation, cause });
  }

  /** Ends the wait for `reply` at the deadline or on the caller's signal. The command itself cannot be called back. */
  private within<T>({ operation, call }: CommandOptions, deadlineMs: number, reply: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = () => {
        timer.cancel();
        call?.signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        settle();
        reject(new AbortedFault('aborted', { effect: 'unknown', operation, cause: call?.signal?.reason }));
      };
      const budgetMs = Math.max(0, deadlineMs - this.clock.monotonicMs());
      const timer = this.clock.after(budgetMs, () => {
        settle();
        reject(new TimeoutFault(`no reply from Redis at ${this.address} in time`, { effect: 'unknown', operation }));
      });
      call?.signal?.addEventListener('abort', onAbort, { once: true });
      reply.then(
        (value) => {
          settle();
          resolve(value);
        },
        (error) => {
          settle();
          reject(error);
        },
      );
    });
  }

  /**
   * Waits for the connection during half of what is left of the budget; a tenth once it has been away for two default
   * budgets, so that callers with another source get on, and a loop without a pause of its own still does not spin.
   */
  private async connected({ operation, call }: CommandOptions, deadlineMs: number): Promise<void> {
    if (this.redis.status === 'wait') this.connect();
    const nowMs = this.clock.monotonicMs();
    const away = nowMs - this.downSinceMs > 2 * this.timeoutMs;
    const waitMs = Math.max(0, deadlineMs - nowMs) * (away ? 0.1 : 0.5);
    const outcome = await new Promise<'woken' | 'late' | 'aborted'>((resolve) => {
      const settle = (how: 'woken' | 'late' | 'aborted') => {
        timer.cancel();
        this.waiting.delete(woken);
        call?.signal?.removeEventListener('abort', onAbort);
        resolve(how);
      };
      const woken = () => settle('woken');
      const onAbort = () => settle('aborted');
      const timer = this.clock.after(waitMs, () => settle('late'));
      this.waiting.add(woken);
      call?.signal?.addEventListener('abort', onAbort, { once: true });
    });
    if (this.closing) throw this.closedFault(operation, 'none');
    if (outcome === 'aborted') {
      throw new AbortedFault('aborted', { effect: 'none', operation, cause: call?.signal?.reason });
    }
    if (outcome === 'late' && !this.isWritable()) {
      const message = `no connection to Redis at ${this.address}`;
      throw new UnavailableFault(message, { effect: 'none', operation, cause: this.trouble?.error });
    }
  }

  private connect(): void {
    this.downSinceMs = this.clock.monotonicMs();
    // A failed attempt is told by 'error' and followed by the next.
    this.redis.connect().catch(() => undefined);
  }

  private isWritable(): boolean {
    // The status stays 'ready' for a moment after the other side has gone.
    return this.redis.status === 'ready' && this.redis.stream.writable;
  }

  private wake(): void {
    for (const woken of [...this.waiting]) woken();
  }
}

function isFault(error: unknown): error is BackendFault {
  return error instanceof Error && 'effect' in error && 'operation' in error;
}

function clientOptions(target: RedisTarget, timeoutMs: number): RedisOptions {
  return {
    ...target.options,
    lazyConnect: true,
    // A queued command runs later with nobody waiting; a resent one runs twice. Both measured.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // ioredis forgets, without rejecting, what was in flight at a cut unless it may flush at once.
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    connectTimeout: Math.max(timeoutMs, 1000),
    // A server that is silent while it owes replies: drop the connection, so that later calls are refused, not written.
    socketTimeout: Math.max(2 * timeoutMs, 1000),
    disconnectTimeout: 200,
    maxLoadingRetryTime: 500,
    keepAlive: 10_000,
    retryStrategy: (attempt) => reconnectDelayMs(attempt),
    // Its master was demoted: the address may lead to another one now.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
  };
}
