import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { startPostgres, startProxy, type PostgresServer, type Proxy } from '@redstart/test-servers';
import { sql } from 'kysely';
import { withinBudget } from './call-budget.js';
import { openDatabase, type Database } from './database.js';

jest.setTimeout(30_000);

// A server of its own: these tests stop, pause and kill it.
let postgres: PostgresServer;
let proxy: Proxy;
let database: Database<unknown>;

beforeAll(async () => {
  postgres = await startPostgres();
  proxy = await startProxy(postgres.url);
  const setup = openDatabase({ url: postgres.url, schema: 'fault_test' });
  await setup.migrate({
    migrations: [
      {
        name: '0001',
        async up(db) {
          await sql`create table entry (id text primary key)`.execute(db);
          await sql`create table account (id integer primary key, amount integer not null)`.execute(db);
          await sql`insert into account values (1, 0), (2, 0)`.execute(db);
        },
      },
    ],
  });
  await setup.close();
});

afterAll(async () => {
  await proxy.close();
  await postgres.remove();
});

beforeEach(() => {
  proxy.pass();
  database = openDatabase({
    url: proxy.url,
    schema: 'fault_test',
    poolSize: 4,
    connectTimeoutMs: 500,
    statementTimeoutMs: 500,
  });
});

afterEach(async () => {
  proxy.pass();
  await database.close(100);
});

const insert = (id: string) => sql`insert into entry values (${id})`;
const insertIn = (id: string) => database.unitOfWork.run(async (tx) => void (await insert(id).execute(tx)));
const has = async (id: string) =>
  (await sql`select 1 from entry where id = ${id}`.execute(database.db)).rows.length === 1;

describe('faults of PostgreSQL', () => {
  it('says unknown when the reply to a commit is lost, and the work was done', async () => {
    await database.ping();
    proxy.cutReplies(1, { matching: /commit/ });
    await expect(insertIn('reply-lost')).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' });
    expect(proxy.cutsLeft()).toBe(0);
    expect(await has('reply-lost')).toBe(true);
  });

  it('says none when a statement before the commit is cut off, and nothing was done', async () => {
    await database.ping();
    proxy.cutReplies(1, { matching: /insert/ });
    await expect(insertIn('cut-insert')).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'none' });
    expect(proxy.cutsLeft()).toBe(0);
    expect(await has('cut-insert')).toBe(false);
  });

  it('says unknown for a write outside a transaction, none for a read, when the reply is lost', async () => {
    await database.ping();
    proxy.cutReplies(1, { matching: /insert/ });
    await expect(insert('bare').execute(database.db)).rejects.toMatchObject({ effect: 'unknown' });
    expect(await has('bare')).toBe(true);
    proxy.cutReplies(1, { matching: /select/ });
    const read = database.db.selectNoFrom((eb) => eb.lit(1).as('one')).execute();
    await expect(read).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'none' });
  });

  it('says none when the backend is killed before the commit was sent, and works again at once', async () => {
    const killed = database.unitOfWork.run(async (tx) => {
      await insert('killed').execute(tx);
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      const other = openDatabase({ url: postgres.url, schema: 'fault_test' });
      // As the superuser itself: the service's role may not end sessions of the superuser's.
      await sql`reset role`.execute(other.db).catch(() => undefined);
      await other.unitOfWork.run(async (theirs) => {
        await sql`set local role none`.execute(theirs);
        await sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(theirs);
      });
      await other.close();
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    await expect(killed).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'none' });
    expect(await has('killed')).toBe(false);
  });

  it('answers within its time when the server is silent, whatever it is doing', async () => {
    await database.ping();
    proxy.silence();
    const startedAt = Date.now();
    // The pooled connection falls silent, then a new one.
    const read = database.db.selectNoFrom((eb) => eb.lit(1).as('one'));
    await expect(read.execute()).rejects.toMatchObject({ code: 'TIMEOUT', effect: 'none' });
    await expect(read.execute()).rejects.toMatchObject({ code: 'TIMEOUT', effect: 'none' });
    await expect(insertIn('silent')).rejects.toMatchObject({ effect: 'none' });
    expect(Date.now() - startedAt).toBeLessThan(6000);
    proxy.pass();
    await insertIn('silent');
  });

  it('keeps a call within its budget, shared by all its statements', async () => {
    await database.ping();
    const startedAt = Date.now();
    const slow = withinBudget({ budgetMs: 150 }, async () => {
      for (;;) await sql`select pg_sleep(0.06)`.execute(database.db);
    });
    await expect(slow).rejects.toMatchObject({ code: 'TIMEOUT' });
    const inUnit = database.unitOfWork.run((tx) => sql`select pg_sleep(0.4)`.execute(tx), { budgetMs: 100 });
    await expect(inUnit).rejects.toMatchObject({ code: 'TIMEOUT', effect: 'none' });
    expect(Date.now() - startedAt).toBeLessThan(2000);
  });

  it('ends a wait when the caller’s signal aborts', async () => {
    const caller = new AbortController();
    const slow = database.unitOfWork.run((tx) => sql`select pg_sleep(0.4)`.execute(tx), { signal: caller.signal });
    setTimeout(() => caller.abort(), 30);
    await expect(slow).rejects.toMatchObject({ code: 'ABORTED', effect: 'none' });
    await expect(insertIn('after-abort')).resolves.toBeUndefined();
  });

  it('ends a statement that takes too long, and one that waits for a row', async () => {
    await expect(sql`select pg_sleep(5)`.execute(database.db)).rejects.toMatchObject({
      code: 'TIMEOUT',
      effect: 'none',
    });
  });

  it('closes within its deadline, and cuts what still runs', async () => {
    await database.ping();
    const cut = sql`select pg_sleep(0.45)`.execute(database.db).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const startedAt = Date.now();
    await database.close(50);
    expect(Date.now() - startedAt).toBeLessThan(300);
    expect(await cut).toMatchObject({ effect: 'unknown' });
  });

  it('survives a server that is killed and comes back, and says so meanwhile', async () => {
    await database.ping();
    await postgres.kill();
    await expect(insertIn('down')).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'none' });
    await expect(database.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await postgres.restart();
    await insertIn('up');
    expect(await has('up')).toBe(true);
    expect(await has('down')).toBe(false);
  });
});

describe('a unit of work', () => {
  const move = (from: number, to: number, meet: () => Promise<void>) =>
    database.unitOfWork.run(async (tx) => {
      await sql`update account set amount = amount - 1 where id = ${from}`.execute(tx);
      await meet();
      await sql`update account set amount = amount + 1 where id = ${to}`.execute(tx);
    });

  it('runs again after a deadlock', async () => {
    let waiting = 0;
    let release!: () => void;
    const both = new Promise<void>((resolve) => (release = resolve));
    const meet = async () => {
      waiting += 1;
      if (waiting === 2) release();
      await both;
    };
    const patient = openDatabase<unknown>({ url: postgres.url, schema: 'fault_test' });
    await database.close();
    database = patient;
    await Promise.all([move(1, 2, meet), move(2, 1, meet)]);
    // Three runs: one of the two had to give way.
    expect(waiting).toBe(3);
    const { rows } = await sql`select amount from account order by id`.execute(database.db);
    expect(rows).toEqual([{ amount: 0 }, { amount: 0 }]);
  });

  it('loses no update under serializable, and gives up after its attempts', async () => {
    const raise = () =>
      database.unitOfWork.run(
        async (tx) => {
          const { rows } = await sql<{ amount: number }>`select amount from account where id = 1`.execute(tx);
          await sql`update account set amount = ${rows[0]!.amount + 1} where id = 1`.execute(tx);
        },
        { isolation: 'serializable', attempts: 50 },
      );
    await Promise.all(Array.from({ length: 10 }, raise));
    const { rows } = await sql`select amount from account where id = 1`.execute(database.db);
    expect(rows).toEqual([{ amount: 10 }]);

    let runs = 0;
    const hopeless = database.unitOfWork.run(
      async (tx) => {
        runs += 1;
        await sql`do $$ begin raise exception using errcode = '40001'; end $$`.execute(tx);
      },
      { attempts: 3 },
    );
    await expect(hopeless).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'none' });
    expect(runs).toBe(3);
  });

  it('leaves a broken rule as it is: a duplicate is not a fault', async () => {
    await insertIn('twice');
    await expect(insertIn('twice')).rejects.toMatchObject({ code: '23505' });
  });

  it('does not call it committed when an error in it was swallowed', async () => {
    const swallowed = database.unitOfWork.run(async (tx) => {
      await insert('swallowed').execute(tx);
      await sql`select 1 / 0`.execute(tx).catch(() => undefined);
    });
    await expect(swallowed).rejects.toMatchObject({ code: 'TRANSACTION_ROLLED_BACK' });
    expect(await has('swallowed')).toBe(false);
  });
});
