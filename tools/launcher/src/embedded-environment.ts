import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startDurablePostgres, startRedis } from '@redstart/test-servers';
import { administratorOf } from './administrator.js';
import { root } from './root.mjs';

export interface EmbeddedEnvironment {
  /** What the apps get: the caller's environment, and what was unset in it. */
  readonly env: NodeJS.ProcessEnv;
  /** The app's ports live in its own memory: other processes do not see them. */
  readonly portsInMemory: boolean;
  /** Says to others that the servers are about to stop: before the apps that use them are asked to. */
  announceClose(): void;
  /** Stops the servers that were started for it. */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly env: NodeJS.ProcessEnv;
  /** In the place of `REDIS_URL`: the app's own memory, or a private redis-server that several processes share. */
  readonly redis: 'memory' | 'private-server';
  /** Called when the embedded PostgreSQL ends by itself. */
  readonly onPostgresLost: (lastOutput: string) => void;
}

/** Fills in what an embedded run needs: Redis, PostgreSQL, the data folder, an administrator. */
export async function embeddedEnvironment(options: EmbeddedOptions): Promise<EmbeddedEnvironment> {
  const { env } = options;
  const isSet = (name: string) => Boolean(env[name] || env[`${name}_FILE`]);
  const added: NodeJS.ProcessEnv = {};
  const closers: (() => Promise<void>)[] = [];
  let announceClose = () => undefined as void;

  const dataFolder = resolve(root, env.DATA_DIR ?? '.data');
  mkdirSync(dataFolder, { recursive: true });
  added.DATA_DIR = dataFolder;

  if (!isSet('ADMIN_EMAIL') || !isSet('ADMIN_PASSWORD')) {
    const { email, password } = administratorOf(join(dataFolder, 'admin.json'));
    if (!isSet('ADMIN_EMAIL')) added.ADMIN_EMAIL = email;
    if (!isSet('ADMIN_PASSWORD')) added.ADMIN_PASSWORD = password;
  }

  if (!isSet('REDIS_URL')) {
    if (options.redis === 'memory') {
      added.REDIS_URL = 'memory:';
    } else {
      const redis = await startRedis();
      closers.push(() => redis.stop());
      added.REDIS_URL = redis.url;
    }
  }

  if (!isSet('DATABASE_URL')) {
    const postgres = await startDurablePostgres(join(dataFolder, 'postgres'));
    postgres.onLost(options.onPostgresLost);
    closers.push(() => postgres.stop());
    announceClose = () => postgres.announceStop();
    added.DATABASE_URL = postgres.url;
  }

  return {
    env: { ...env, ...added },
    portsInMemory: (added.REDIS_URL ?? env.REDIS_URL ?? '').startsWith('memory:'),
    announceClose,
    close: async () => {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}
