import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedEnvironment } from './embedded-environment.js';

jest.setTimeout(60_000);

describe('embeddedEnvironment', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'redstart-embedded-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const onPostgresLost = () => undefined;
  const real = { REDIS_URL: 'redis://127.0.0.1:6379', DATABASE_URL: 'postgres://127.0.0.1/real' };

  it('leaves alone what is set, by itself or by the name of a file', async () => {
    const { env, portsInMemory, close } = await embeddedEnvironment({
      env: {
        DATA_DIR: folder,
        REDIS_URL: real.REDIS_URL,
        DATABASE_URL_FILE: '/run/secrets/url',
        ADMIN_EMAIL: 'a@b.c',
        ADMIN_PASSWORD: 'p',
      },
      redis: 'memory',
      onPostgresLost,
    });
    expect(env).toEqual({
      DATA_DIR: folder,
      REDIS_URL: real.REDIS_URL,
      DATABASE_URL_FILE: '/run/secrets/url',
      ADMIN_EMAIL: 'a@b.c',
      ADMIN_PASSWORD: 'p',
    });
    expect(portsInMemory).toBe(false);
    expect(existsSync(join(folder, 'postgres'))).toBe(false);
    await close();
  });

  it('embeds only the one that is unset, and keeps an administrator', async () => {
    const { env, portsInMemory, close } = await embeddedEnvironment({
      env: { DATA_DIR: folder, DATABASE_URL: real.DATABASE_URL },
      redis: 'memory',
      onPostgresLost,
    });
    expect(env.REDIS_URL).toBe('memory:');
    expect(env.DATABASE_URL).toBe(real.DATABASE_URL);
    expect(portsInMemory).toBe(true);
    const kept = JSON.parse(readFileSync(join(folder, 'admin.json'), 'utf8')) as object;
    expect(kept).toEqual({ email: env.ADMIN_EMAIL, password: env.ADMIN_PASSWORD });
    await close();
  });

  it('gives several processes a Redis that they share', async () => {
    const { env, close } = await embeddedEnvironment({
      env: { DATA_DIR: folder, DATABASE_URL: real.DATABASE_URL },
      redis: 'private-server',
      onPostgresLost,
    });
    expect(env.REDIS_URL).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
    await close();
  });
});
