import { rememberedServer } from '../remembered-server.js';
import { findRedis } from './find-redis.js';
import { redisCommand } from './redis-command.js';
import { startRedis } from './redis-server.js';

let shared: Promise<string> | undefined;

/**
 * The URL of a Redis for tests that only use a server and never stop, pause, fill or flush it: `REDIS_URL`'s, or one
 * private server for all the test files that this process runs. Isolate by unique keys.
 */
export function sharedRedis(): Promise<string> {
  shared ??= open();
  return shared;
}

async function open(): Promise<string> {
  const source = await findRedis();
  if (source.kind === 'url') return source.url;
  const { url } = await rememberedServer('redis', {
    start: () => startRedis(),
    answers: async ({ url, pid }) => (await redisCommand(url, ['INFO', 'server'])).includes(`process_id:${pid}\r\n`),
  });
  return url;
}
