import {
  type Adapters,
  type AdapterSettings,
  DrivenCache,
  DrivenEventStream,
  DrivenLock,
  DrivenTaskQueue,
  type PortName,
} from '@redstart/ports';
import { RedisCacheDriver } from './cache/redis-cache-driver.js';
import { RedisConnection } from './connection/redis-connection.js';
import { RedisLeaderboard } from './leaderboard/redis-leaderboard.js';
import { RedisRateLimiter } from './limiter/redis-rate-limiter.js';
import { RedisLockDriver } from './lock/redis-lock-driver.js';
import { RedisQueueDriver } from './queue/redis-queue-driver.js';
import { RedisSessionDriver } from './session/redis-session-driver.js';
import { RedisStreamDriver } from './stream/redis-stream-driver.js';

export interface RedisAdapterSettings extends AdapterSettings {
  /** `REDIS_URL`: a server that never evicts. */
  url: string;
  /** `CACHE_REDIS_URL`: one that may evict, for the cache alone. Default: `url`. */
  cacheUrl?: string;
  /** Shown in the server's CLIENT LIST. No spaces. Default `redstart`. */
  name?: string;
}

const WITHOUT_CACHE: readonly PortName[] = ['lock', 'queue', 'stream', 'session', 'limiter', 'leaderboard'];

/**
 * The ports on Redis. Connects at the first call, so it returns while the server is away. Two connections to a node,
 * commands and messages, whatever the number of queues, partitions and groups.
 * @throws RedisUrlError
 */
export function openAdapters({ url, cacheUrl, name, ...settings }: RedisAdapterSettings): Adapters {
  const connection = new RedisConnection({ url, name, ...settings });
  const cacheConnection =
    cacheUrl && cacheUrl !== url
      ? new RedisConnection({ url: cacheUrl, urlSetting: 'CACHE_REDIS_URL', name, ...settings })
      : connection;
  const queue = new DrivenTaskQueue(new RedisQueueDriver(connection, settings), settings);
  const stream = new DrivenEventStream(new RedisStreamDriver(connection), settings);

  const answers = (of: RedisConnection, ports: readonly PortName[]) =>
    of.ping().then(
      () => [],
      () => ports,
    );
  let closing: Promise<void> | undefined;
  const close = async () => {
    queue.close();
    await stream.close();
    await Promise.all([connection.close(), cacheConnection.close()]);
  };
  return {
    lock: new DrivenLock(new RedisLockDriver(connection, settings), settings),
    cache: new DrivenCache(new RedisCacheDriver(cacheConnection, settings), settings),
    queue,
    stream,
    sessions: new RedisSessionDriver(connection, settings),
    limiter: new RedisRateLimiter(connection, settings),
    leaderboard: new RedisLeaderboard(connection, settings),
    degraded: async () => {
      const found = await Promise.all([answers(connection, WITHOUT_CACHE), answers(cacheConnection, ['cache'])]);
      return found.flat();
    },
    close: () => (closing ??= close()),
  };
}
