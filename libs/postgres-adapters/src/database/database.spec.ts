import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '@redstart/test-servers';
import { sql } from 'kysely';
import { Client } from 'pg';
import type { Migration } from '../migrations/migration.js';
import { openDatabase, type Database } from './database.js';

let server: TestDatabase;
let admin: Client;
const open: Database<unknown>[] = [];

beforeAll(async () => {
  server = await createDatabase();
  admin = new Client({ connectionString: server.url });
  await admin.connect();
});

afterAll(async () => {
  await Promise.all(open.map((database) => database.close()));
  await admin.end();
  await server.drop();
});

function service(schema: string, settings: Partial<Parameters<typeof openDatabase>[0]> = {}): Database<unknown> {
  const database = openDatabase<unknown>({ url: server.url, schema, ...settings });
  open.push(database);
  return database;
}

const table = (name: string): Migration => ({
  name,
  up: async (db) => void (await sql`create table ${sql.table(name)} (id integer)`.execute(db)),
});

describe('a service in the database', () => {
  it('has a schema and a role of its own, and no other service may look into it', async () => {
    const orders = service('svc_orders');
    const events = service('svc_events');
    await orders.migrate({ migrations: [table('receipt')] });
    await events.migrate({ migrations: [table('mail')] });
    const { rows } = await sql<{ who: string; owner: string }>`
      select current_user as who, tableowner as owner from pg_tables where tablename = 'receipt'`.execute(orders.db);
    expect(rows).toEqual([{ who: 'svc_orders', owner: 'svc_orders' }]);
    await sql`insert into receipt values (1)`.execute(orders.db);
    await expect(sql`select * from svc_orders.receipt`.execute(events.db)).rejects.toMatchObject({ code: '42501' });
    await expect(sql`create table svc_orders.intruder (id integer)`.execute(events.db)).rejects.toMatchObject({
      code: '42501',
    });
  });

  it('keeps its schema to itself under a user that may not create roles', async () => {
    await admin.query("create role plain_user login password 'p'");
    await admin.query(`grant create on database ${server.name} to plain_user`);
    try {
      const url = new URL(server.url);
      url.username = 'plain_user';
      url.password = 'p';
      const plain = service('svc_plain', { url: url.href });
      await plain.migrate({ migrations: [table('thing')] });
      const { rows } = await sql`select current_user as who, current_schema() as schema`.execute(plain.db);
      expect(rows).toEqual([{ who: 'plain_user', schema: 'svc_plain' }]);
      await plain.close();
    } finally {
      await admin.query('drop owned by plain_user cascade');
      await admin.query('drop role plain_user');
    }
  });

  it('makes its role under a user that may create roles and is no superuser', async () => {
    await admin.query("create role creator_user login createrole password 'p'");
    await admin.query(`grant create on database ${server.name} to creator_user`);
    const url = new URL(server.url);
    url.username = 'creator_user';
    url.password = 'p';
    try {
      // Twice: the second start finds the role that the first one made.
      for (const name of ['first', 'second']) {
        const created = service('svc_created', { url: url.href });
        await created.migrate({ migrations: [table('first'), table(name)].slice(name === 'first' ? 1 : 0) });
        const { rows } = await sql`select current_user as who, current_schema() as schema`.execute(created.db);
        expect(rows).toEqual([{ who: 'svc_created', schema: 'svc_created' }]);
        await created.close();
      }
    } finally {
      await admin.query('drop schema if exists svc_created cascade');
      await admin.query('drop role if exists svc_created');
      await admin.query('drop owned by creator_user cascade');
      await admin.query('drop role creator_user');
    }
  });

  it('takes over nobody’s account, and no name that is not an identifier', async () => {
    await admin.query('create role svc_person login');
    try {
      await expect(service('svc_person').migrate({})).rejects.toMatchObject({ code: 'SCHEMA_ROLE_TAKEN' });
    } finally {
      await admin.query('drop role svc_person');
    }
    expect(() => service('x; drop schema public')).toThrow(RangeError);
  });

  it('reads bigint exactly or not at all, and a date as it is written', async () => {
    const database = service('svc_types');
    const { rows } = await sql`select 9007199254740991::bigint as big, '2026-03-01'::date as day`.execute(database.db);
    expect(rows).toEqual([{ big: Number.MAX_SAFE_INTEGER, day: '2026-03-01' }]);
    await expect(sql`select 9007199254740993::bigint`.execute(database.db)).rejects.toThrow('beyond what a number');
  });

  it('keeps a share of connections that other traffic cannot take', async () => {
    const database = service('svc_shares', { poolSize: 1, connectTimeoutMs: 200, maxWaiting: 1 });
    const orders = database.share('orders', 1);
    expect(database.share('orders', 1)).toBe(orders);
    expect(() => database.share('orders', 2)).toThrow(RangeError);
    const slow = sql`select pg_sleep(1)`.execute(database.db);
    const waiting = sql`select 1`.execute(database.db).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // One runs, one waits: the next is refused at once, the waiting one in its time; the share answers.
    const refused = { code: 'UNAVAILABLE', effect: 'none' };
    await expect(sql`select 1`.execute(database.db)).rejects.toMatchObject(refused);
    expect(await waiting).toMatchObject({ code: 'TIMEOUT', effect: 'none' });
    expect((await sql`select 1 as one`.execute(orders.db)).rows).toEqual([{ one: 1 }]);
    await slow;
  });

  it('closes once, twice is the same, and refuses afterwards', async () => {
    const database = service('svc_closed');
    await database.ping();
    await Promise.all([database.close(), database.close()]);
    await expect(database.ping()).rejects.toMatchObject({ code: 'CLOSED', effect: 'none' });
  });
});

describe('migrations', () => {
  it('are applied once, in order of name, when several processes start at once', async () => {
    const migrations = [table('b_second'), table('a_first')];
    const applied = await Promise.all(
      Array.from({ length: 4 }, () => service('svc_race').migrate({ migrations, waitMs: 20_000 })),
    );
    expect(applied.flat()).toEqual(['service/a_first', 'service/b_second']);
    expect(await service('svc_race').migrate({ migrations })).toEqual([]);
  });

  it('name the step that failed, keep those before it and undo it whole', async () => {
    const half: Migration = {
      name: 'b_half',
      async up(db) {
        await sql`create table half (id integer)`.execute(db);
        await sql`select 1 / 0`.execute(db);
      },
    };
    const database = service('svc_half');
    const migrating = database.migrate({ migrations: [table('a_whole'), half, table('c_never')] });
    await expect(migrating).rejects.toMatchObject({ code: 'MIGRATION_FAILED', migration: 'b_half' });
    const { rows } = await sql<{ tablename: string }>`
      select tablename from pg_tables where schemaname = 'svc_half' order by 1`.execute(database.db);
    expect(rows.map(({ tablename }) => tablename)).toEqual(['a_whole', 'migration']);
    const mended = { ...half, up: (db: Parameters<Migration['up']>[0]) => table('half').up(db) };
    expect(await database.migrate({ migrations: [table('a_whole'), mended, table('c_never')] })).toEqual([
      'service/b_half',
      'service/c_never',
    ]);
  });

  it('let the previous release start on the schema of the next', async () => {
    const database = service('svc_expand');
    await database.migrate({ migrations: [table('a'), table('b')] });
    expect(await database.migrate({ migrations: [table('a')] })).toEqual([]);
  });

  it('refuse a name twice, and a new step before one that was applied', async () => {
    const database = service('svc_order');
    await database.migrate({ migrations: [table('b')] });
    const refused = { code: 'MIGRATION_ORDER', migration: 'a' };
    await expect(database.migrate({ migrations: [table('a'), table('b')] })).rejects.toMatchObject(refused);
    await expect(database.migrate({ migrations: [table('b'), table('c'), table('c')] })).rejects.toMatchObject({
      code: 'MIGRATION_ORDER',
      migration: 'c',
    });
  });

  it('wait for their lock only so long', async () => {
    await admin.query("select pg_advisory_lock(hashtextextended('redstart:migration', 0))");
    try {
      const waiting = service('svc_locked').migrate({ waitMs: 150 });
      await expect(waiting).rejects.toMatchObject({ code: 'MIGRATION_LOCKED' });
    } finally {
      await admin.query("select pg_advisory_unlock(hashtextextended('redstart:migration', 0))");
    }
  });
});
