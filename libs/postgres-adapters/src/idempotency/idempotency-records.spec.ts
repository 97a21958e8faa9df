import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '@redstart/test-servers';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { openDatabase, type Database } from '../database/database.js';
import { bodyHash } from './body-hash.js';
import { IdempotencyRecords } from './idempotency-records.js';
import { idempotencyTables } from './idempotency-tables.js';

let server: TestDatabase;
let database: Database<unknown>;
const records = new IdempotencyRecords();

beforeAll(async () => {
  server = await createDatabase();
  database = openDatabase({ url: server.url, schema: 'orders_test' });
  await database.migrate({ parts: [idempotencyTables] });
});

afterAll(async () => {
  await database.close();
  await server.drop();
});

const hash = bodyHash({ sku: 'a' });
const fresh = () => ({ userId: randomUUID(), key: 'k' });
const answer = { status: 201, body: { id: 7, nested: [1, null] } };

const place = (request: { userId: string; key: string }, body = hash, with_ = records) =>
  database.unitOfWork.run(async (tx) => {
    const begun = await with_.begin(tx, { ...request, bodyHash: body });
    if (begun.status === 'new') await with_.finish(tx, request, answer);
    return begun;
  });

describe('idempotency records', () => {
  it('answers the same key and body with what was stored', async () => {
    const request = fresh();
    expect(await place(request)).toEqual({ status: 'new' });
    expect(await place(request)).toEqual({ status: 'replay', answer });
  });

  it('refuses another body, and keeps users apart', async () => {
    const request = fresh();
    await place(request);
    expect(await place(request, bodyHash({ sku: 'b' }))).toEqual({ status: 'mismatch' });
    expect(await place({ ...request, userId: randomUUID() })).toEqual({ status: 'new' });
  });

  it('lets one of many racers do the work; the others get its answer', async () => {
    const request = fresh();
    const begun = await Promise.all(Array.from({ length: 20 }, () => place(request)));
    expect(begun.filter(({ status }) => status === 'new')).toHaveLength(1);
    expect(begun.filter(({ status }) => status === 'replay')).toHaveLength(19);
  });

  it('lets the next one do the work when the first rolls back', async () => {
    const request = fresh();
    let began!: () => void;
    const begun = new Promise<void>((resolve) => (began = resolve));
    const first = database.unitOfWork.run(async (tx) => {
      await records.begin(tx, { ...request, bodyHash: hash });
      began();
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new Error('no stock');
    });
    await begun;
    const second = place(request);
    await expect(first).rejects.toThrow('no stock');
    expect(await second).toEqual({ status: 'new' });
  });

  it('answers in-flight when another transaction does not end in time, and leaves the caller its transaction', async () => {
    const request = fresh();
    const impatient = new IdempotencyRecords({ waitMs: 50 });
    await database.unitOfWork.run(async (tx) => {
      await records.begin(tx, { ...request, bodyHash: hash });
      const other = await database.unitOfWork.run(async (theirs) => {
        const begun = await impatient.begin(theirs, { ...request, bodyHash: hash });
        const { rows } = await sql<{ lock_timeout: string }>`show lock_timeout`.execute(theirs);
        return { begun, lockTimeout: rows[0]?.lock_timeout };
      });
      expect(other).toEqual({ begun: { status: 'in-flight' }, lockTimeout: '3s' });
    });
  });

  it('forgets after its time, purged or not', async () => {
    const request = fresh();
    await place(request);
    const age = sql`update idempotency_record set created_at = now() - interval '24 hours' where user_id = ${request.userId}`;
    await age.execute(database.db);
    expect(await place(request, bodyHash('other'))).toEqual({ status: 'new' });
    await age.execute(database.db);
    const kept = fresh();
    await place(kept);
    expect(await records.purge(database.db)).toBe(1);
    expect(await place(kept)).toMatchObject({ status: 'replay' });
  });
});

describe('bodyHash', () => {
  it('is the same whatever the order of fields, and another for another value', () => {
    expect(bodyHash({ a: 1, b: [{ c: 2, d: 3 }] })).toBe(bodyHash({ b: [{ d: 3, c: 2 }], a: 1 }));
    const different = [{ a: 1 }, { a: '1' }, { a: [1] }, [1, 2], [2, 1], '', null, { a: null }, { a: {} }, {}];
    expect(new Set(different.map(bodyHash)).size).toBe(different.length);
  });
});
