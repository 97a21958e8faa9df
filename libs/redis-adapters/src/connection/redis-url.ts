import { type RedisOptions } from 'ioredis';

/** Where a URL points. The node is a type of its own so that Sentinel and cluster can join it as further kinds. */
export interface RedisTarget {
  kind: 'node';
  host: string;
  port: number;
  options: Pick<RedisOptions, 'host' | 'port' | 'username' | 'password' | 'db'>;
}

const SUPPORTED = 'supported is redis://[user:password@]host[:port][/database]';

/** A URL that no adapter can be opened on. The message never carries the password. */
export class RedisUrlError extends Error {
  readonly code = 'REDIS_URL';

  constructor(setting: string, reason: string) {
    super(`${setting}: ${reason}; ${SUPPORTED}`);
    this.name = 'RedisUrlError';
  }
}

export function parseRedisUrl(url: string, setting = 'REDIS_URL'): RedisTarget {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new RedisUrlError(setting, 'not a URL');
  }
  if (parsed.protocol !== 'redis:') throw new RedisUrlError(setting, `${parsed.protocol}// is not supported yet`);
  if (!parsed.hostname) throw new RedisUrlError(setting, 'no host');
  if (parsed.search || parsed.hash) throw new RedisUrlError(setting, 'no options are taken after the database');
  const database = parsed.pathname.replace(/^\//, '');
  if (!/^\d*$/.test(database)) throw new RedisUrlError(setting, `"${database}" is not the number of a database`);
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const port = parsed.port ? Number(parsed.port) : 6379;
  return {
    kind: 'node',
    host,
    port,
    options: {
      host,
      port,
      ...(parsed.username ? { username: decodeURIComponent(parsed.username) } : {}),
      ...(parsed.password ? { password: decodeURIComponent(parsed.password) } : {}),
      db: Number(database || 0),
    },
  };
}
