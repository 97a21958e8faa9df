import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startedAt } from '../process-table.js';
import { runScript } from '../run-script.fixture.js';
import { startDurablePostgres } from './durable-postgres.js';

// Starting servers on a busy machine takes its time.
jest.setTimeout(60_000);

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

describe('startDurablePostgres', () => {
  let folder: string;
  beforeEach(() => {
    // Only we may enter it, also as root: like a project below /root.
    folder = mkdtempSync(join(tmpdir(), 'redstart-durable-'));
    chmodSync(folder, 0o700);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const script = `
    const { startDurablePostgres } = await import('./src/index.ts');
    const postgres = await startDurablePostgres(process.argv[1]);
    console.log(JSON.stringify({ url: postgres.url, pid: postgres.pid, owned: postgres.owned }));
    setInterval(() => undefined, 1000);
  `;

  it('waits for the disk at each commit and asks for a password', async () => {
    const server = await startDurablePostgres(join(folder, 'postgres'));
    const settings = await query(
      server.url,
      "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes')",
    );
    expect(settings.map(({ setting }) => setting)).toEqual(['on', 'on', 'on']);
    const anonymous = new URL(server.url);
    anonymous.password = 'wrong';
    await expect(query(anonymous.href, 'select 1')).rejects.toThrow(/password/);
    expect(statSync(join(folder, 'postgres/password')).mode & 0o077).toBe(0);
    await server.stop();
    expect(startedAt(server.pid)).toBeUndefined();
  });

  it('keeps its data over a start whose process is killed', async () => {
    const first = await runScript<{ url: string; pid: number }>(script, [folder]);
    await query(first.result.url, 'create table t as select 7 as n');
    await first.kill();
    const second = await startDurablePostgres(folder);
    expect(await query(second.url, 'select n from t')).toEqual([{ n: 7 }]);
    expect(second.pid).not.toBe(first.result.pid);
    await second.stop();
  });

  it('uses the server of another process that lives, and leaves it running', async () => {
    const other = await runScript<{ url: string; pid: number }>(script, [folder]);
    const second = await startDurablePostgres(folder);
    expect({ pid: second.pid, url: second.url, owned: second.owned }).toEqual({ ...other.result, owned: false });
    await second.stop();
    expect(await query(other.result.url, 'select 1 as n')).toEqual([{ n: 1 }]);
    await other.kill();
  });

  it('waits for the end of a server that is about to stop, and starts one of its own', async () => {
    const first = await startDurablePostgres(folder);
    first.announceStop();
    const second = startDurablePostgres(folder);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(startedAt(first.pid)).toBeDefined();
    await first.stop();
    const { owned, url, stop } = await second;
    expect(owned).toBe(true);
    expect(await query(url, 'select 1 as n')).toEqual([{ n: 1 }]);
    await stop();
  });

  it("starts although a stale pid file names a living process that is not PostgreSQL's", async () => {
    const first = await startDurablePostgres(folder);
    const file = join(folder, 'data/postmaster.pid');
    const lines = readFileSync(file, 'utf8').split('\n');
    await first.stop();
    writeFileSync(file, [String(process.pid), ...lines.slice(1)].join('\n'));
    const second = await startDurablePostgres(folder);
    expect(await query(second.url, 'select 1 as n')).toEqual([{ n: 1 }]);
    await second.stop();
  });
});
