import {
  type Adapters,
  type AdapterSettings,
  type Clock,
  DrivenCache,
  DrivenEventStream,
  DrivenLock,
  DrivenTaskQueue,
  SystemClock,
} from '@redstart/ports';
import { MemoryCacheBackend, MemoryCacheDriver } from './cache/memory-cache-driver.js';
import { MemoryBoards, MemoryLeaderboard } from './leaderboard/memory-leaderboard.js';
import { MemoryRateLimiter, MemoryWindows } from './limiter/memory-rate-limiter.js';
import { MemoryLockDriver, MemoryLocks } from './lock/memory-lock-driver.js';
import { MemoryQueueDriver, MemoryQueues } from './queue/memory-queue-driver.js';
import { MemorySessionDriver, MemorySessions } from './session/memory-session-driver.js';
import { MemoryStreamDriver } from './stream/memory-stream-driver.js';

/**
 * What a Redis is to several processes, to several apps in one: each opens a handle and sees what the others wrote.
 * Lives as long as the process. Leases, windows and TTLs follow the backend's own clock, as they follow a server's.
 */
export class MemoryBackend {
  private readonly locks = new MemoryLocks();
  private readonly cache: MemoryCacheBackend;
  private readonly queues = new MemoryQueues();
  private readonly streams: MemoryStreamDriver;
  private readonly sessions: MemorySessions;
  private readonly windows = new MemoryWindows();
  private readonly boards = new MemoryBoards();

  constructor(private readonly clock: Clock = new SystemClock()) {
    this.cache = new MemoryCacheBackend(clock);
    this.streams = new MemoryStreamDriver(clock);
    this.sessions = new MemorySessions(clock);
  }

  /** A handle. Closing it ends its own workers, consumers and timers, and no other's. */
  open(settings: AdapterSettings): Adapters {
    const { clock } = this;
    const drivers = {
      lock: new MemoryLockDriver(this.locks, clock),
      cache: new MemoryCacheDriver(this.cache),
      queue: new MemoryQueueDriver(this.queues, clock),
      sessions: new MemorySessionDriver(this.sessions),
      limiter: new MemoryRateLimiter(this.windows, clock),
      leaderboard: new MemoryLeaderboard(this.boards, clock),
    };
    const queue = new DrivenTaskQueue(drivers.queue, settings);
    const stream = new DrivenEventStream(this.streams, settings);
    let closing: Promise<void> | undefined;
    const close = async () => {
      queue.close();
      await stream.close();
      await Promise.all(Object.values(drivers).map((driver) => driver.close()));
    };
    return {
      lock: new DrivenLock(drivers.lock, settings),
      cache: new DrivenCache(drivers.cache, settings),
      queue,
      stream,
      sessions: drivers.sessions,
      limiter: drivers.limiter,
      leaderboard: drivers.leaderboard,
      degraded: async () => [],
      close: () => (closing ??= close()),
    };
  }
}
