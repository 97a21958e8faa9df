import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SystemClock, TooLargeFault, UnavailableFault, type Delivered } from '@redstart/ports';
import { createDatabase, type TestDatabase } from '@redstart/test-servers';
import { randomUUID } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import { openDatabase, type Database } from '../database/database.js';
import { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import { inboxConsumer, type SequencedEvent } from './inbox-consumer.js';
import { inboxTables } from './inbox-tables.js';
import { Inbox } from './inbox.js';

let server: TestDatabase;
let database: Database<unknown>;
let stop: AbortController;

beforeAll(async () => {
  server = await createDatabase();
  database = openDatabase({ url: server.url, schema: 'consumer_test' });
  await database.migrate({
    parts: [inboxTables],
    migrations: [{ name: '0001', up: async (db) => void (await sql`create table effect (id text)`.execute(db)) }],
  });
});

afterAll(async () => {
  await database.close();
  await server.drop();
});

beforeEach(() => {
  stop = new AbortController();
});

/** A unit of work whose first runs meet an outage, before or after they are committed. */
class Outage extends UnitOfWork<Transaction<unknown>> {
  runs = 0;
  constructor(
    private readonly length: number,
    private readonly when: 'before' | 'after commit' = 'before',
  ) {
    super();
  }

  async run<R>(work: (tx: Transaction<unknown>) => Promise<R>): Promise<R> {
    this.runs += 1;
    const fails = this.runs <= this.length;
    const effect = this.when === 'before' ? 'none' : 'unknown';
    const fault = new UnavailableFault('cut', { operation: 'postgres.commit', effect });
    if (fails && this.when === 'before') throw fault;
    const result = await database.unitOfWork.run(work);
    if (fails) throw fault;
    return result;
  }
}

const delivered = (sequence: number, subject: string): Delivered<SequencedEvent> => ({
  event: { id: randomUUID(), source: 'order-service', subject, sequence },
  subject,
  signal: stop.signal,
  attempt: 1,
  partition: 0,
  ownerFence: 1,
  cursor: 'c' as Delivered<SequencedEvent>['cursor'],
});

const effects = async (id: string) =>
  (await sql`select 1 from effect where id = ${id}`.execute(database.db)).rows.length;

const consumer = (unitOfWork: UnitOfWork<Transaction<unknown>>, afterEffect?: () => void) =>
  inboxConsumer(
    { inbox: new Inbox(), unitOfWork, clock: new SystemClock(), group: 'mail', afterEffect },
    async (event, tx) => {
      await sql`insert into effect values (${event.id})`.execute(tx);
    },
  );

describe('a handler behind the inbox', () => {
  it('has the effect once, acknowledges repeats, and holds what comes too early', async () => {
    const handle = consumer(database.unitOfWork);
    const subject = randomUUID();
    const first = delivered(1, subject);
    expect(await handle(first)).toBe('done');
    expect(await handle(first)).toBe('done');
    expect(await effects(first.event.id)).toBe(1);
    expect(await handle(delivered(3, subject))).toEqual({ retryInMs: expect.any(Number) });
  });

  it('waits out an outage with the event in hand', async () => {
    const outage = new Outage(2);
    const one = delivered(1, randomUUID());
    expect(await consumer(outage)(one)).toBe('done');
    expect(outage.runs).toBe(3);
    expect(await effects(one.event.id)).toBe(1);
  });

  it('has no effect twice when the reply to the commit was lost', async () => {
    const outage = new Outage(1, 'after commit');
    const one = delivered(1, randomUUID());
    expect(await consumer(outage)(one)).toBe('done');
    expect(outage.runs).toBe(2);
    expect(await effects(one.event.id)).toBe(1);
  });

  it('gives the event back when it is stopped during an outage', async () => {
    const handling = consumer(new Outage(Infinity))(delivered(1, randomUUID()));
    setTimeout(() => stop.abort(), 50);
    await expect(handling).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('throws at once what would come again, so that it counts as an attempt', async () => {
    const parts = { inbox: new Inbox(), unitOfWork: database.unitOfWork, clock: new SystemClock(), group: 'mail' };
    const fault = new TooLargeFault('too large', { operation: 'outbox.write', effect: 'none' });
    const handle = inboxConsumer(parts, () => Promise.reject(fault));
    await expect(handle(delivered(1, randomUUID()))).rejects.toBe(fault);
  });
});
