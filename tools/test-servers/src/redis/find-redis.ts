import { announce } from '../announce.js';
import { onPath } from '../on-path.js';
import { debianRedis } from './debian-redis.js';
import { dockerRedisImage } from './docker-redis.js';

/** Where a Redis for tests comes from. */
export type RedisSource =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'binary'; readonly path: string; readonly env: NodeJS.ProcessEnv }
  | { readonly kind: 'docker'; readonly image: string };

/** Says in one line what to install: no source has a server. */
export class NoRedisError extends Error {
  readonly code = 'NO_REDIS';
}

let found: Promise<RedisSource> | undefined;

/**
 * Looks in this order: `REDIS_URL`, `redis-server` on PATH, Docker, the distribution's package unpacked into the
 * project's cache. Looks once a process and says what it took.
 */
export function findRedis(): Promise<RedisSource> {
  const url = process.env.REDIS_URL;
  if (url && !url.startsWith('memory:')) {
    announce('Redis of REDIS_URL');
    return Promise.resolve({ kind: 'url', url });
  }
  return findRedisServer();
}

/** The same, without `REDIS_URL`: for tests that stop, pause, fill or flush a server, which must be their own. */
export function findRedisServer(): Promise<Exclude<RedisSource, { kind: 'url' }>> {
  found ??= look();
  return found as Promise<Exclude<RedisSource, { kind: 'url' }>>;
}

async function look(): Promise<RedisSource> {
  const path = onPath('redis-server');
  if (path) {
    announce(`Redis: ${path}`);
    return { kind: 'binary', path, env: {} };
  }
  const image = await dockerRedisImage();
  if (image) {
    announce(`Redis: Docker image ${image}`);
    return { kind: 'docker', image };
  }
  const unpacked = await debianRedis();
  if (unpacked) {
    announce("Redis: the distribution's redis-server, unpacked into .cache");
    return { kind: 'binary', ...unpacked };
  }
  throw new NoRedisError('No Redis for the tests: install redis-server 7 or later, start Docker, or set REDIS_URL.');
}
