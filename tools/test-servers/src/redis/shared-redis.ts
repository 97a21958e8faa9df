import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  // Jest gives each test file modules of its own: a file finds the server of the one before by this note.
  const folder = join(tmpdir(), `redstart-test-servers-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const note = join(folder, `redis-${process.pid}.json`);
  const known = await stillRunning(note);
  if (known) return known;
  const { url, pid } = await startRedis();
  writeFileSync(`${note}.new`, JSON.stringify({ url, pid }));
  renameSync(`${note}.new`, note);
  return url;
}

async function stillRunning(note: string): Promise<string | undefined> {
  try {
    const { url, pid } = JSON.parse(readFileSync(note, 'utf8')) as { url: string; pid: number };
    const info = await redisCommand(url, ['INFO', 'server'], 1_000);
    // An old note of a process that had our pid: its server ended with it, so what answers there is another.
    return info.includes(`process_id:${pid}\r\n`) ? url : undefined;
  } catch {
    return undefined;
  }
}
