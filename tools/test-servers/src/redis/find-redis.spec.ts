import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// The distribution's package may have to be downloaded.
jest.setTimeout(240_000);

/** Jest's modules are fresh for each test: what was found is kept per process. */
async function fresh() {
  jest.resetModules();
  return import('./find-redis.js');
}

describe('findRedis', () => {
  const { PATH, REDIS_URL } = process.env;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'redstart-path-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    process.env.PATH = PATH;
    if (REDIS_URL === undefined) delete process.env.REDIS_URL;
    else process.env.REDIS_URL = REDIS_URL;
  });

  const program = (name: string, script: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };

  it('takes REDIS_URL first', async () => {
    process.env.REDIS_URL = 'redis://127.0.0.1:1';
    const { findRedis } = await fresh();
    expect(await findRedis()).toEqual({ kind: 'url', url: 'redis://127.0.0.1:1' });
  });

  it('does not take REDIS_URL for tests that stop their server', async () => {
    process.env.REDIS_URL = 'redis://127.0.0.1:1';
    const { findRedisServer } = await fresh();
    expect((await findRedisServer()).kind).not.toBe('url');
  });

  it('takes redis-server on PATH before Docker', async () => {
    delete process.env.REDIS_URL;
    program('redis-server', 'exit 0');
    program('docker', 'exit 0');
    process.env.PATH = folder;
    const { findRedis } = await fresh();
    expect(await findRedis()).toMatchObject({ kind: 'binary', path: join(folder, 'redis-server') });
  });

  it('takes an image that a Docker daemon has before the packages of the distribution', async () => {
    delete process.env.REDIS_URL;
    program('docker', 'if [ "$1" = image ]; then [ "$3" = redis:7 ]; else exit 0; fi');
    process.env.PATH = folder;
    const { findRedis } = await fresh();
    expect(await findRedis()).toEqual({ kind: 'docker', image: 'redis:7' });
  });

  it('passes a Docker client without a daemon over', async () => {
    delete process.env.REDIS_URL;
    program('docker', 'echo "Cannot connect to the Docker daemon" >&2; exit 1');
    process.env.PATH = `${folder}:/usr/sbin:/sbin`;
    const { findRedis, NoRedisError } = await fresh();
    const source = await findRedis().catch((error: unknown) => error);
    // On Debian and Ubuntu the next one is the distribution's package; elsewhere one line says what to install.
    if (source instanceof NoRedisError) expect(source.message).toMatch(/install redis-server/);
    else expect(source).toMatchObject({ kind: 'binary', path: expect.stringContaining('.cache') });
  });
});
