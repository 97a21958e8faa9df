import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jsonCodec, partitionOf, type Stream } from '@redstart/ports';
import { createDatabase, type TestDatabase } from '@redstart/test-servers';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { openDatabase, type Database } from '../database/database.js';
import type { SqlTransaction } from '../unit-of-work/sql-executor.js';
import { outboxTables } from './outbox-tables.js';
import { Outbox, type OutboxEvent } from './outbox.js';

const stream: Stream<OutboxEvent> = {
  name: 'orders',
  codec: jsonCodec<OutboxEvent>('orders@1'),
  partitions: 16,
  subject: (event) => event.subject,
  eventId: (event) => event.id,
  cap: { bytes: 1 << 20, ageMs: 1000, when: 'refuse' },
};

let server: TestDatabase;
let database: Database<unknown>;
let outbox: Outbox<OutboxEvent>;

beforeAll(async () => {
  server = await createDatabase();
  database = openDatabase({ url: server.url, schema: 'outbox_test' });
  await database.migrate({ parts: [outboxTables] });
  outbox = new Outbox({ database, stream });
});

afterAll(async () => {
  await database.close();
  await server.drop();
});

const event = (sequence = 1): OutboxEvent => ({
  id: randomUUID(),
  type: 'order.placed.v1',
  subject: randomUUID(),
  sequence,
});
const write = (...events: OutboxEvent[]) =>
  database.unitOfWork.run((tx) =>
    outbox.write(
      tx,
      events.map((each) => ({ event: each, settles: false })),
    ),
  );

describe('the outbox', () => {
  it('keeps events as they are, in the partition that the stream will have them in', async () => {
    const odd = { ...event(), subject: 'Zürich "{}\\' };
    const events = [event(), odd, event(7)];
    await write(...events);
    const { rows } = await sql<{ event: OutboxEvent; partition: number; sequence: number }>`
      select event, partition, sequence from outbox`.execute(database.db);
    expect(rows.map((row) => row.event)).toEqual(expect.arrayContaining(events));
    for (const row of rows) {
      expect(row.partition).toBe(partitionOf(row.event.subject, 16));
      expect(row.sequence).toBe(row.event.sequence);
    }
  });

  it('refuses a sequence of a subject a second time', async () => {
    const first = event();
    await write(first);
    await expect(write({ ...first, id: randomUUID() })).rejects.toMatchObject({ code: '23505' });
  });

  it('refuses an event that no stream would take, and a write outside a transaction', async () => {
    const large = { ...event(), data: 'x'.repeat(1024 * 1024) };
    await expect(write(large)).rejects.toMatchObject({ code: 'TOO_LARGE', effect: 'none' });
    const bare = database.db as unknown as SqlTransaction;
    await expect(outbox.write(bare, [{ event: event(), settles: true }])).rejects.toMatchObject({
      code: 'TRANSACTION_REQUIRED',
    });
  });
});
