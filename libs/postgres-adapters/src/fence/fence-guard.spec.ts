import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '@redstart/test-servers';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { openDatabase, type Database } from '../database/database.js';
import { claimFence, holdsFence, requireFenced } from './fence-guard.js';

interface Tables {
  job: { id: string; state: string; fence: number };
}

let server: TestDatabase;
let database: Database<Tables>;

beforeAll(async () => {
  server = await createDatabase();
  database = openDatabase({ url: server.url, schema: 'fence_test' });
  const up = async () => undefined;
  await database.migrate({ migrations: [{ name: '0001', up }] });
  await sql`create table job (id text primary key, state text not null, fence bigint not null default 0)`.execute(
    database.db,
  );
});

afterAll(async () => {
  await database.close();
  await server.drop();
});

const job = async () => {
  const id = randomUUID();
  await sql`insert into job (id, state) values (${id}, 'new')`.execute(database.db);
  const claim = (fence: number) => claimFence(database.db, { table: 'job', id, fence });
  const write = (fence: number, state: string) =>
    database.db.updateTable('job').set({ state }).where('id', '=', id).where(holdsFence(fence)).executeTakeFirst();
  return { claim, write };
};

describe('the fence guard', () => {
  it('lets a later holder claim, and refuses every write of the earlier one from then on', async () => {
    const { claim, write } = await job();
    const [earlier, later] = [1_795_000_000_000_001, 1_795_000_000_000_002];
    expect(await claim(earlier)).toBe('claimed');
    requireFenced(await write(earlier, 'half'), earlier);
    expect(await claim(later)).toBe('claimed');
    expect(await claim(earlier)).toBe('stale');
    const late = await write(earlier, 'stale');
    expect(() => requireFenced(late, earlier)).toThrow(expect.objectContaining({ code: 'FENCE_LOST' }));
    requireFenced(await write(later, 'done'), later);
    const rows = await database.db.selectFrom('job').select('state').where(holdsFence(later)).execute();
    expect(rows).toContainEqual({ state: 'done' });
  });

  it('lets the same holder claim again, so that a lost reply can be retried', async () => {
    const { claim } = await job();
    expect(await claim(7)).toBe('claimed');
    expect(await claim(7)).toBe('claimed');
  });

  it('refuses the write of one that never claimed, and a claim on what is not there', async () => {
    const { write } = await job();
    expect((await write(9, 'unclaimed')).numUpdatedRows).toBe(0n);
    expect(await claimFence(database.db, { table: 'job', id: 'none', fence: 9 })).toBe('stale');
  });

  it('takes only identifiers as names', async () => {
    const claim = claimFence(database.db, { table: 'job; drop table job', id: 1, fence: 1 });
    await expect(claim).rejects.toThrow(RangeError);
  });
});
