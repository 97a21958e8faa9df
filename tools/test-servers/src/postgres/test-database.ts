import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { announce } from '../announce.js';
import { childrenOf } from '../process-table.js';
import { rememberedServer } from '../remembered-server.js';
import { startPostgres } from './postgres-server.js';

let shared: Promise<string> | undefined;

/**
 * The URL of a PostgreSQL for tests that never stop, pause or kill it: `DATABASE_URL`'s, or one private server for all
 * the test files that this process runs. Isolate by `createDatabase()`.
 */
export function sharedPostgres(): Promise<string> {
  shared ??= open();
  return shared;
}

async function open(): Promise<string> {
  if (process.env.DATABASE_URL) {
    announce('PostgreSQL of DATABASE_URL');
    return process.env.DATABASE_URL;
  }
  const { url } = await rememberedServer('postgres', {
    start: () => startPostgres(),
    // The backend that serves us is a child of the postmaster that we remember.
    answers: ({ url, pid }) =>
      asAdmin(url, async (client) => {
        const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
        return childrenOf(pid).includes(rows[0]?.pid ?? 0);
      }),
  });
  return url;
}

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  /** Drops it, and breaks the connections that are still open. */
  drop(): Promise<void>;
}

const prefix = 'redstart_test_';
const staleAfterMs = 12 * 3_600_000;

/** A fresh, empty database: one a test file. `serverUrl` defaults to the shared server. Drop it at the end. */
export async function createDatabase(serverUrl?: string): Promise<TestDatabase> {
  const admin = serverUrl ?? (await sharedPostgres());
  const name = `${prefix}${Date.now()}_${randomBytes(4).toString('hex')}`;
  await asAdmin(admin, async (client) => {
    if (admin === process.env.DATABASE_URL) await dropStale(client);
    await client.query(`create database ${name} template template0`);
  });
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    drop: () =>
      asAdmin(admin, async (client) => void (await client.query(`drop database if exists ${name} with (force)`))),
  };
}

/** A run that was killed leaves its database on a server that outlives it. */
async function dropStale(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ datname: string }>('select datname from pg_database where datname like $1', [
    `${prefix.replaceAll('_', '\\_')}%`,
  ]);
  for (const { datname } of rows) {
    const madeAt = Number(datname.slice(prefix.length).split('_')[0]);
    if (Date.now() - madeAt > staleAfterMs) await client.query(`drop database if exists ${datname} with (force)`);
  }
}

async function asAdmin<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
