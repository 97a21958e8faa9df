import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '@redstart/postgres-adapters';
import { openDatabaseUnderTest } from '../../database/database-under-test.js';
import type { Tables } from '../../database/tables.js';
import { SampleOrder } from '../../orders/domain/sample-order.fixture.js';
import { PostgresNotificationStore } from '../infrastructure/postgres-notification-store.js';
import { notify } from './notify.js';

describe('notifications', () => {
  let database: Database<Tables>;
  let close: () => Promise<void>;
  let notifications: PostgresNotificationStore;

  beforeAll(async () => {
    ({ database, close } = await openDatabaseUnderTest());
    notifications = new PostgresNotificationStore(database.db);
  });
  afterAll(() => close());

  const happen = (...events: ReturnType<SampleOrder['event']>[]) =>
    database.unitOfWork.run(async (tx) => {
      for (const event of events) await notify(notifications)(event, tx);
    });

  it('are one for each event from the decision on, however often it comes, with what the customer needs', async () => {
    const order = new SampleOrder();
    const confirmed = order.event('confirmed', '2026-11-24T10:00:00.000Z');
    await happen(order.event('placed'), confirmed, confirmed, order.event('delivered'), order.event('cancelled'));
    const { items } = await notifications.list(order.customer.id, { limit: 10 });
    expect(items.map(({ type }) => type)).toEqual(['order.cancelled.v1', 'order.delivered.v1', 'order.confirmed.v1']);
    expect(items[2]).toEqual({
      id: confirmed.id,
      type: 'order.confirmed.v1',
      orderId: order.id,
      text: `Order ${order.id} is confirmed and on its way.`,
      time: '2026-11-24T10:00:00.000Z',
      read: false,
    });
  });

  it('come in pages that miss none and repeat none while new ones arrive', async () => {
    const { customer } = new SampleOrder();
    const add = () => happen(new SampleOrder(customer).event('confirmed'));
    for (let i = 0; i < 5; i += 1) await add();
    const whole = (await notifications.list(customer.id, { limit: 10 })).items.map(({ id }) => id);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await notifications.list(customer.id, { limit: 2, cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      await add();
    } while (cursor);
    expect(seen).toEqual(whole);
  });

  it('say that there is no further page where the last one is just full', async () => {
    const order = new SampleOrder();
    await happen(order.event('confirmed'), order.event('delivered'));
    expect(await notifications.list(order.customer.id, { limit: 2 })).not.toHaveProperty('nextCursor');
  });

  it('are nobody else’s', async () => {
    await happen(new SampleOrder().event('confirmed'));
    expect(await notifications.list(new SampleOrder().customer.id, { limit: 10 })).toEqual({ items: [] });
  });

  it('go when they are older than what is kept', async () => {
    const { customer } = new SampleOrder();
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
    await happen(new SampleOrder(customer).event('confirmed', ago(120_000)));
    await happen(new SampleOrder(customer).event('rejected', ago(10_000)));
    await notifications.purge(60_000);
    const { items } = await notifications.list(customer.id, { limit: 10 });
    expect(items.map(({ type }) => type)).toEqual(['order.rejected.v1']);
  });
});
