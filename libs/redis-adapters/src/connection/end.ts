import { type Redis } from 'ioredis';

/** Closes a client for good and waits for its socket to be gone. */
export function end(redis: Redis): Promise<void> {
  if (redis.status === 'end') return Promise.resolve();
  return new Promise((resolve) => {
    redis.once('end', () => resolve());
    // Between two attempts there is no socket whose end ioredis would tell of.
    const hasSocket = redis.status !== 'reconnecting' && redis.status !== 'close';
    redis.disconnect();
    if (!hasSocket) resolve();
  });
}
