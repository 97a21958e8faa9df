import { describe, expect, it, jest } from '@jest/globals';
import { existsSync } from 'node:fs';
import { startedAt } from './process-table.js';
import { redisCommand } from './redis/redis-command.js';
import { runScript } from './run-script.fixture.js';

// PostgreSQL gives its paused processes 5 s before it kills them.
jest.setTimeout(60_000);

/** Whether a server answers there: a pid says nothing about one in a container. */
function answers(url: string): Promise<boolean> {
  return redisCommand(url, ['PING']).then(
    () => true,
    () => false,
  );
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('It did not come to hold within 20 s.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('servers end with the process that started them', () => {
  it('also when that process is killed, and remove their files', async () => {
    const { result, kill } = await runScript<{ pid: number; url: string; folder: string }>(`
      const { startRedis, startPostgres } = await import('./src/index.ts');
      const redis = await startRedis();
      const postgres = await startPostgres();
      await postgres.pause();
      const pg = (await import('node:fs')).readFileSync('/proc/' + postgres.pid + '/cmdline', 'utf8').split('\\0');
      const folder = pg[pg.indexOf('-D') + 1];
      console.log(JSON.stringify({ pid: postgres.pid, url: redis.url, folder }));
      setInterval(() => undefined, 1000);
    `);
    expect(startedAt(result.pid)).toBeDefined();
    expect(await answers(result.url)).toBe(true);
    expect(existsSync(result.folder)).toBe(true);
    await kill();
    await eventually(() => startedAt(result.pid) === undefined);
    await eventually(async () => !(await answers(result.url)));
    await eventually(() => !existsSync(result.folder));
  });

  it('and a program that only started them ends by itself', async () => {
    const { result } = await runScript<{ url: string }>(`
      const { startRedis } = await import('./src/index.ts');
      const redis = await startRedis();
      console.log(JSON.stringify({ url: redis.url }));
    `);
    await eventually(async () => !(await answers(result.url)));
  });
});
