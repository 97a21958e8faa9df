import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { jsonCodec, type Stream } from '@redstart/ports';
import { createDatabase, type TestDatabase } from '@redstart/test-servers';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { openDatabase, type Database } from '../database/database.js';
import { FakeStream } from '../../test/fake-stream.js';
import { dropDays, makeDays } from './outbox-days.js';
import { startOutboxRelay } from './outbox-relay.js';
import { outboxTables } from './outbox-tables.js';
import { Outbox, type OutboxEvent } from './outbox.js';

const stream: Stream<OutboxEvent> = {
  name: 'orders',
  codec: jsonCodec<OutboxEvent>('orders@1'),
  partitions: 1,
  subject: (event) => event.subject,
  eventId: (event) => event.id,
  cap: { bytes: 1 << 20, ageMs: 1000, when: 'refuse' },
};

let server: TestDatabase;
let database: Database<unknown>;
let outbox: Outbox<OutboxEvent>;
let target: FakeStream;

beforeEach(async () => {
  server = await createDatabase();
  database = openDatabase({ url: server.url, schema: 'days_test' });
  await database.migrate({ parts: [outboxTables] });
  outbox = new Outbox({ database, stream });
  target = new FakeStream();
});

afterEach(async () => {
  await database.close();
  await server.drop();
});

const event = (subject: string, sequence = 1): OutboxEvent => ({ id: randomUUID(), type: 't', subject, sequence });

const write = (events: readonly OutboxEvent[], settles: boolean) =>
  database.unitOfWork.run((tx) =>
    outbox.write(
      tx,
      events.map((each) => ({ event: each, settles })),
    ),
  );

async function relayAll(count: number): Promise<void> {
  // It tends the days as well; here only the test drops any.
  const relay = startOutboxRelay({ outbox, target, pollMs: 50, keepDays: 3650 });
  const deadline = Date.now() + 5000;
  const handed = async () =>
    (await sql<{ handed: number }>`select handed_position as handed from outbox_lease`.execute(database.db)).rows[0]
      ?.handed;
  while ((await handed()) !== count && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  await relay.stop({ deadlineMs: 1000 });
  expect(await handed()).toBe(count);
}

/** As if the rows of today had been written so many days ago. */
async function age(days: number): Promise<string> {
  const { rows } = await sql<{ day: string }>`
    update outbox set day = day - ${days}::integer
    where day = (now() at time zone 'utc')::date returning day`.execute(database.db);
  await makeDays(database.db);
  return rows[0]!.day;
}

const tables = async () =>
  (
    await sql<{ name: string }>`
      select inhrelid::regclass::text as name from pg_inherits where inhparent = 'outbox'::regclass order by 1`.execute(
      database.db,
    )
  ).rows.map(({ name }) => name);

const count = async () => (await sql`select 1 from outbox`.execute(database.db)).rows.length;

describe('the days of the outbox', () => {
  it('are made ahead, and rows that came before their day move into it', async () => {
    expect((await tables()).length).toBe(5);
    await write([event('a')], true);
    expect((await sql`select 1 from outbox_default`.execute(database.db)).rows).toHaveLength(0);
    const day = await age(3);
    expect(await tables()).toContain(`outbox_${day.replaceAll('-', '')}`);
    expect((await sql`select 1 from outbox_default`.execute(database.db)).rows).toHaveLength(0);
    expect(await count()).toBe(1);
    expect(await makeDays(database.db)).toEqual([]);
  });

  it('are dropped after seven days, once all is handed on and settled', async () => {
    await write([event('a')], false);
    await write([event('a', 2)], true);
    const day = await age(8);
    // Not handed on yet.
    expect(await dropDays(database.db, 7)).toEqual({ dropped: [], held: day });
    await relayAll(2);
    expect(await dropDays(database.db, 8)).toEqual({ dropped: [] });
    expect(await dropDays(database.db, 7)).toEqual({ dropped: [day] });
    expect(await count()).toBe(0);
  });

  it('stay as long as one of their orders moves, with all later days', async () => {
    await write([event('moves'), event('rests')], false);
    const older = await age(9);
    await write([event('later')], true);
    const newer = await age(8);
    await relayAll(3);
    expect(await dropDays(database.db, 7)).toEqual({ dropped: [], held: older });
    // Settled today, by an event of today.
    await write([event('moves', 2), event('rests', 2)], true);
    expect(await dropDays(database.db, 7)).toEqual({ dropped: [older, newer] });
    expect(await count()).toBe(2);
  });

  it('once gone, leave a stream that was flushed to begin with the oldest that is left', async () => {
    await write([event('old')], true);
    await age(8);
    await relayAll(1);
    expect((await dropDays(database.db, 7)).dropped).toHaveLength(1);
    const kept = event('kept');
    await write([kept], true);
    await relayAll(2);
    expect(target.events(0)).toHaveLength(2);
    target.flush();
    const relay = startOutboxRelay({ outbox, target });
    const deadline = Date.now() + 5000;
    while (target.events(0).length === 0 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
    await relay.stop({ deadlineMs: 1000 });
    expect(target.events(0)).toEqual([kept]);
    expect(await target.lastPosition(stream, 'outbox:days_test', 0)).toBe(2);
  });
});
