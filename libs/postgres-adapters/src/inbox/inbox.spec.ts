import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '@redstart/test-servers';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { openDatabase, type Database } from '../database/database.js';
import { Inbox } from './inbox.js';
import { inboxTables } from './inbox-tables.js';

let server: TestDatabase;
let database: Database<unknown>;
const inbox = new Inbox();

beforeAll(async () => {
  server = await createDatabase();
  database = openDatabase({ url: server.url, schema: 'inbox_test' });
  await database.migrate({
    parts: [inboxTables],
    migrations: [{ name: '0001', up: async (db) => void (await sql`create table effect (event_id text)`.execute(db)) }],
  });
});

afterAll(async () => {
  await database.close();
  await server.drop();
});

const subject = (group = 'mail') => {
  const key = { group, source: 'order-service', subject: randomUUID() };
  const accept = (sequence: number, eventId: string = randomUUID()) =>
    database.unitOfWork.run((tx) => inbox.accept(tx, { ...key, sequence, eventId }));
  return { key, accept };
};

describe('inbox', () => {
  it('takes the first event of a subject whatever its sequence, then each next one once', async () => {
    const { accept } = subject();
    expect(await accept(5)).toBe('new');
    expect(await accept(6)).toBe('new');
    expect(await accept(6)).toBe('duplicate');
    expect(await accept(5)).toBe('duplicate');
    expect(await accept(1)).toBe('duplicate');
  });

  it('holds an event whose predecessor has not come', async () => {
    const { accept } = subject();
    await accept(1);
    expect(await accept(3)).toBe('gap');
    expect(await accept(2)).toBe('new');
    expect(await accept(3)).toBe('new');
  });

  it('keeps groups, sources and subjects apart', async () => {
    const one = subject();
    await one.accept(3);
    const accept = (change: object) =>
      database.unitOfWork.run((tx) => inbox.accept(tx, { ...one.key, sequence: 1, eventId: 'e', ...change }));
    expect(await accept({ group: 'boards' })).toBe('new');
    expect(await accept({ source: 'event-streaming' })).toBe('new');
    expect(await accept({ subject: 'another' })).toBe('new');
    expect(await accept({})).toBe('duplicate');
  });

  it('keeps an effect only with its event: rolled back, it is new again', async () => {
    const { key, accept } = subject();
    const event = { ...key, sequence: 1, eventId: randomUUID() };
    const effect = (fail: boolean) =>
      database.unitOfWork.run(async (tx) => {
        const accepted = await inbox.accept(tx, event);
        if (accepted === 'new') await sql`insert into effect values (${event.eventId})`.execute(tx);
        if (fail) throw new Error('crash');
        return accepted;
      });
    await expect(effect(true)).rejects.toThrow('crash');
    expect(await effect(false)).toBe('new');
    expect(await effect(false)).toBe('duplicate');
    const { rows } = await sql`select 1 from effect where event_id = ${event.eventId}`.execute(database.db);
    expect(rows).toHaveLength(1);
    expect(await accept(2)).toBe('new');
  });

  it('lets one of many deliveries of one event have the effect', async () => {
    const { accept } = subject();
    const accepted = await Promise.all(Array.from({ length: 20 }, () => accept(1, 'same')));
    expect(accepted.filter((status) => status === 'new')).toHaveLength(1);
    expect(accepted.filter((status) => status === 'duplicate')).toHaveLength(19);
  });

  it('lets an operator skip a gap, and purges what is long untouched', async () => {
    const { key, accept } = subject();
    await accept(1);
    expect(await accept(9)).toBe('gap');
    await database.unitOfWork.run((tx) => inbox.forget(tx, key));
    expect(await accept(9)).toBe('new');
    await sql`update inbox_subject set accepted_at = now() - interval '91 days' where subject = ${key.subject}`.execute(
      database.db,
    );
    expect(await inbox.purge(database.db)).toBe(1);
    expect(await inbox.last(database.db, key)).toBeUndefined();
  });
});
