import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@redstart/memory-adapters';
import { deliveriesStream, type DeliveryCompleted } from '@redstart/messages';
import { Outbox, type Database } from '@redstart/postgres-adapters';
import { sql } from 'kysely';
import { openDatabaseUnderTest } from '../../database/database-under-test.js';
import type { Tables, Tx } from '../../database/tables.js';
import { SampleOrder } from '../../orders/domain/sample-order.fixture.js';
import { PostgresDeliveryStore } from '../infrastructure/postgres-delivery-store.js';
import { deliverDue } from './carrier.js';
import { planDelivery } from './plan-delivery.js';

const DELAY_MS = 1000;

describe('the carrier', () => {
  const deliveries = new PostgresDeliveryStore();
  let clock: ManualClock;
  let database: Database<Tables>;
  let close: () => Promise<void>;

  beforeAll(async () => {
    ({ database, close } = await openDatabaseUnderTest());
  });
  beforeEach(async () => {
    await database.db.deleteFrom('delivery').execute();
    clock = new ManualClock();
  });
  afterAll(() => close());

  const happen = (event: ReturnType<SampleOrder['event']>) =>
    database.unitOfWork.run((tx) => planDelivery<Tx>({ deliveries, clock, delayMs: DELAY_MS })(event, tx));
  const deliver = async (publish: (tx: Tx, events: readonly DeliveryCompleted[]) => Promise<void>) =>
    deliverDue<Tx>({ deliveries, clock, publish, transaction: (work) => database.unitOfWork.run(work) });

  it('delivers a confirmed order after the delay, once, and says so in its outbox', async () => {
    const order = new SampleOrder();
    const confirmed = order.event('confirmed');
    await happen(confirmed);
    await happen(confirmed);
    const outbox = new Outbox({ database, stream: deliveriesStream });
    const published: DeliveryCompleted[] = [];
    const publish = async (tx: Tx, events: readonly DeliveryCompleted[]) => {
      published.push(...events);
      await outbox.write(
        tx,
        events.map((event) => ({ event, settles: true })),
      );
    };
    expect(await deliver(publish)).toBe(0);
    await clock.advance(DELAY_MS);
    expect(await deliver(publish)).toBe(1);
    expect(await deliver(publish)).toBe(0);
    expect(published).toMatchObject([{ type: 'delivery.completed.v1', subject: order.id, sequence: 1 }]);
    const { rows } = await sql<{ event: unknown }>`
      select event from outbox where stream = 'deliveries' and subject = ${order.id}`.execute(database.db);
    expect(rows).toEqual([{ event: published[0] }]);
    expect(() => deliveriesStream.codec.decode(deliveriesStream.codec.encode(published[0]!))).not.toThrow();
  });

  it('does not deliver what was cancelled on its way', async () => {
    const order = new SampleOrder();
    await happen(order.event('confirmed'));
    await happen(order.event('cancelled'));
    await clock.advance(DELAY_MS);
    expect(await deliver(async () => undefined)).toBe(0);
  });

  it('cannot stop what has arrived', async () => {
    const order = new SampleOrder();
    await happen(order.event('confirmed'));
    await clock.advance(DELAY_MS);
    expect(await deliver(async () => undefined)).toBe(1);
    await happen(order.event('cancelled'));
    const rows = await database.db.selectFrom('delivery').select('status').execute();
    expect(rows).toEqual([{ status: 'completed' }]);
  });

  it('delivers each parcel once, however many carriers there are', async () => {
    for (let i = 0; i < 40; i += 1) await happen(new SampleOrder().event('confirmed'));
    await clock.advance(DELAY_MS);
    const subjects: string[] = [];
    const publish = async (_tx: Tx, events: readonly DeliveryCompleted[]) =>
      void subjects.push(...events.map(({ subject }) => subject));
    const counts = await Promise.all(Array.from({ length: 4 }, () => deliver(publish)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(40);
    expect(new Set(subjects).size).toBe(40);
  });

  it('does not wait for another carrier', async () => {
    for (let i = 0; i < 2; i += 1) await happen(new SampleOrder().event('confirmed'));
    await clock.advance(DELAY_MS);
    const now = new Date(clock.now());
    const others = await database.unitOfWork.run(async (tx) => {
      await deliveries.completeDue(tx, { now, limit: 1 });
      return deliver(async () => undefined);
    });
    expect(others).toBe(1);
  });

  it('has delivered nothing when it could not say so', async () => {
    await happen(new SampleOrder().event('confirmed'));
    await clock.advance(DELAY_MS);
    await expect(deliver(() => Promise.reject(new Error('no outbox')))).rejects.toThrow('no outbox');
    expect(await deliver(async () => undefined)).toBe(1);
  });
});
