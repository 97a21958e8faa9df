import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { childrenOf, startedAt } from '../process-table.js';
import { startPostgres, type PostgresServer } from './postgres-server.js';
import { createDatabase, sharedPostgres } from './test-database.js';

// Starting servers on a busy machine takes its time.
jest.setTimeout(60_000);

async function query(url: string, text: string, timeoutMs = 5_000): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: timeoutMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

describe('startPostgres', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    await query(server.url, 'create table kept (n int)');
  });
  afterAll(() => server.remove());

  it('is PostgreSQL 15 or later, on the loopback interface', async () => {
    const [row] = await query(
      server.url,
      "select current_setting('server_version_num')::int as version, inet_server_addr()",
    );
    expect(row?.version).toBeGreaterThanOrEqual(150_000);
    expect(row?.inet_server_addr).toBe('127.0.0.1');
  });

  it('keeps what was committed over kill -9 of all its processes', async () => {
    await query(server.url, 'insert into kept values (1)');
    const pids = [server.pid, ...childrenOf(server.pid)];
    await server.kill();
    expect(pids.length).toBeGreaterThan(3);
    expect(pids.filter((pid) => startedAt(pid) !== undefined)).toEqual([]);
    await expect(query(server.url, 'select 1')).rejects.toThrow(/ECONNREFUSED/);
    await server.restart();
    expect(await query(server.url, 'select n from kept')).toEqual([{ n: 1 }]);
  });

  it('pauses all its processes: connections that are open hang, too', async () => {
    const client = new pg.Client(server.url);
    client.on('error', () => undefined);
    await client.connect();
    await server.pause();
    const late = client.query('select 2 as n');
    const winner = await Promise.race([
      late.then(() => 'answered'),
      new Promise((resolve) => setTimeout(() => resolve('silent'), 150)),
    ]);
    expect(winner).toBe('silent');
    await server.resume();
    expect((await late).rows).toEqual([{ n: 2 }]);
    await client.end();
  });

  it('can be stopped while it is paused, and started again', async () => {
    await server.pause();
    await server.stop();
    expect(server.pid).toBe(0);
    await server.restart();
    expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }]);
  });
});

describe('createDatabase', () => {
  it('gives fresh databases, and drops them under open connections', async () => {
    const [one, two] = await Promise.all([createDatabase(), createDatabase()]);
    await query(one.url, 'create table t (n int)');
    await expect(query(two.url, 'select * from t')).rejects.toThrow(/does not exist/);
    const client = new pg.Client(one.url);
    client.on('error', () => undefined);
    await client.connect();
    await Promise.all([one.drop(), two.drop()]);
    await expect(query(one.url, 'select 1')).rejects.toThrow(/does not exist/);
    await client.end().catch(() => undefined);
  });

  it('uses one server for all who ask in this process', async () => {
    expect(await sharedPostgres()).toBe(await sharedPostgres());
  });
});
