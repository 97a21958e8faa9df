import type { Cache } from './cache/cache.js';
import type { Clock } from './clock/clock.js';
import type { Leaderboard } from './leaderboard/leaderboard.js';
import type { RateLimiter } from './limiter/rate-limiter.js';
import type { Lock } from './lock/lock.js';
import type { TaskQueue } from './queue/task-queue.js';
import type { SessionDriver } from './session/session-driver.js';
import type { EventStream } from './stream/event-stream.js';

export type PortName = 'lock' | 'cache' | 'queue' | 'stream' | 'session' | 'limiter' | 'leaderboard';

/** One backend's ports. Every adapter library exports `openAdapters(settings)`; the URL decides which is imported. */
export interface Adapters {
  readonly lock: Lock;
  readonly cache: Cache;
  readonly queue: TaskQueue;
  readonly stream: EventStream;
  /** An app puts a `DrivenSessionStore` with its records above it. */
  readonly sessions: SessionDriver;
  readonly limiter: RateLimiter;
  readonly leaderboard: Leaderboard;
  /** The ports whose backend does not answer within its time budget now. Never rejects. */
  degraded(): Promise<readonly PortName[]>;
  /** Ends connections and timers. A second call does nothing. Calls after it reject with `ClosedFault`. */
  close(): Promise<void>;
}

export interface AdapterSettings {
  /** Default budget of a call. */
  timeoutMs: number;
  clock: Clock;
  /** Told of what nobody awaits: a lost connection, a failed background renewal. */
  onFault?: (error: unknown) => void;
}
