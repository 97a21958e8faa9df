import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deliveriesStream, ordersStream, type OrderEvent } from '@redstart/messages';
import { randomUUID } from 'node:crypto';
import { openUnderTest, type UnderTest } from '../composition/platform-under-test.js';
import { REFUSED_ABOVE } from '../payments/infrastructure/payment-simulator.js';
import type { OrderStatus } from './domain/order.js';

const eventually = async <T>(probe: () => Promise<T>, withinMs = 15_000): Promise<T> => {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
};

let test: UnderTest;
beforeAll(async () => {
  test = await openUnderTest();
  test.start();
});
afterAll(() => test.close());

const reaches = (id: string, status: OrderStatus) =>
  eventually(async () => {
    const order = await test.platform.orderStore.find(id);
    expect(order?.status).toBe(status);
    return order!;
  });

async function eventsOf(id: string): Promise<OrderEvent[]> {
  const partition = test.adapters.stream.partitionOf(ordersStream, id);
  const events: OrderEvent[] = [];
  for await (const item of test.adapters.stream.read(ordersStream, { partition })) {
    if ('event' in item && item.event.subject === id) events.push(item.event);
  }
  return events;
}

describe('an order on its way through the service', () => {
  it('is confirmed, with its goods taken and its total charged once', async () => {
    const [user, sku] = [await test.customer(), await test.product({ stock: 5, price: 250 })];
    const before = await test.platform.simulator.summary();
    const id = await test.place(user, [{ sku, quantity: 2 }]);
    await reaches(id, 'confirmed');
    expect(await test.stock(sku)).toBe(3);
    const after = await test.platform.simulator.summary();
    expect({ charges: after.charges - before.charges, amount: after.charged - before.charged }).toEqual({
      charges: 1,
      amount: 500,
    });
  });

  it('says each of its moves on the stream and in its history, in a dense sequence', async () => {
    const [user, sku] = [await test.customer(), await test.product({ stock: 5 })];
    const id = await test.place(user, [{ sku, quantity: 1 }]);
    await reaches(id, 'confirmed');
    await test.platform.cancelOrder.run({ id, asker: { userId: user.id, role: 'customer' }, reason: 'MIND_CHANGED' });
    const events = await eventually(async () => {
      const found = await eventsOf(id);
      expect(found).toHaveLength(3);
      return found;
    });
    expect(events.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['order.placed.v1', 1],
      ['order.confirmed.v1', 2],
      ['order.cancelled.v1', 3],
    ]);
    expect(events[2]?.data).toMatchObject({ reason: 'MIND_CHANGED', from: 'confirmed', customer: { id: user.id } });
    const history = await test.platform.readOrders.history({ id, asker: { userId: user.id, role: 'customer' } });
    expect(history.map((event) => event.id)).toEqual(events.map((event) => event.id));
  });

  it('gives the last 10 items to 10 of 100 buyers, and charges nobody else', async () => {
    const sku = await test.product({ stock: 10 });
    const buyers = await Promise.all(Array.from({ length: 100 }, () => test.customer()));
    const before = await test.platform.simulator.summary();
    const ids = await Promise.all(buyers.map((buyer) => test.place(buyer, [{ sku, quantity: 1 }])));
    const orders = await eventually(async () => {
      const found = await Promise.all(ids.map((id) => test.platform.orderStore.find(id)));
      expect(found.filter((order) => order?.status === 'placed')).toEqual([]);
      return found;
    }, 30_000);
    const outcomes = orders.map((order) => [order?.status, order?.reason].join(' ').trim());
    expect(outcomes.filter((outcome) => outcome === 'confirmed')).toHaveLength(10);
    expect(outcomes.filter((outcome) => outcome === 'rejected OUT_OF_STOCK')).toHaveLength(90);
    const after = await test.platform.simulator.summary();
    expect({ charges: after.charges - before.charges, refunds: after.refunds - before.refunds }).toEqual({
      charges: 10,
      refunds: 0,
    });
    expect(await test.stock(sku)).toBe(0);
  }, 60_000);

  it('is not half reserved when one of its items is missing', async () => {
    const [user, there, short] = [
      await test.customer(),
      await test.product({ stock: 5 }),
      await test.product({ stock: 1 }),
    ];
    const id = await test.place(user, [
      { sku: there, quantity: 1 },
      { sku: short, quantity: 2 },
    ]);
    expect((await reaches(id, 'rejected')).reason).toBe('OUT_OF_STOCK');
    expect([await test.stock(there), await test.stock(short)]).toEqual([5, 1]);
  });

  it('adds up the lines of one sku before it looks at the stock', async () => {
    const [user, sku] = [await test.customer(), await test.product({ stock: 3 })];
    const lines = [
      { sku, quantity: 2 },
      { sku, quantity: 2 },
    ];
    expect((await reaches(await test.place(user, lines), 'rejected')).reason).toBe('OUT_OF_STOCK');
    expect(await test.stock(sku)).toBe(3);
  });

  it('gives its goods back when the payment is refused, and only above the limit', async () => {
    const [user, sku] = [await test.customer(), await test.product({ stock: 2, price: REFUSED_ABOVE + 1 })];
    const exact = await test.product({ stock: 2, price: REFUSED_ABOVE });
    const id = await test.place(user, [{ sku, quantity: 1 }]);
    expect(await reaches(id, 'rejected')).toMatchObject({ reason: 'PAYMENT_REFUSED', payment: { state: 'refused' } });
    expect(await test.stock(sku)).toBe(2);
    await reaches(await test.place(user, [{ sku: exact, quantity: 1 }]), 'confirmed');
  });

  it('is delivered by the event of the carrier, once, and ignores it when it was cancelled', async () => {
    const [user, sku] = [await test.customer(), await test.product({ stock: 5 })];
    const arrived = (subject: string) => ({
      specversion: '1.0' as const,
      id: randomUUID(),
      source: 'event-streaming',
      type: 'delivery.completed.v1' as const,
      subject,
      sequence: 1,
      time: new Date().toISOString(),
      data: { deliveryId: randomUUID(), completedAt: new Date().toISOString() },
    });
    const [kept, returned] = [
      await test.place(user, [{ sku, quantity: 1 }]),
      await test.place(user, [{ sku, quantity: 1 }]),
    ];
    await Promise.all([reaches(kept, 'confirmed'), reaches(returned, 'confirmed')]);
    await test.platform.cancelOrder.run({ id: returned, asker: { userId: user.id, role: 'customer' } });
    const event = arrived(kept);
    // The same event twice in the stream, as an at-least-once producer writes it, and one for the cancelled order.
    await test.adapters.stream.append(deliveriesStream, [event, arrived(returned)]);
    await test.adapters.stream.append(deliveriesStream, [event]);
    await reaches(kept, 'delivered');
    await eventually(async () => {
      const groups = await test.adapters.stream.groups(deliveriesStream);
      expect(groups.find(({ group }) => group === 'order-service')).toMatchObject({ lag: 0, pending: 0, parked: 0 });
    });
    expect((await test.platform.orderStore.history(kept)).map(({ type }) => type)).toEqual([
      'order.placed.v1',
      'order.confirmed.v1',
      'order.delivered.v1',
    ]);
    expect((await test.platform.orderStore.find(returned))?.status).toBe('cancelled');
  });

  it('is a return when it is cancelled after delivery: goods and money go back', async () => {
    const [user, sku] = [await test.customer(), await test.product({ stock: 5, price: 70 })];
    const id = await test.place(user, [{ sku, quantity: 1 }]);
    await reaches(id, 'confirmed');
    const before = await test.platform.simulator.summary();
    await test.platform.cancelOrder.run({ id, asker: { userId: user.id, role: 'customer' } });
    expect(await test.stock(sku)).toBe(5);
    await eventually(async () => {
      expect((await test.platform.orderStore.find(id))?.payment?.state).toBe('refunded');
    });
    const after = await test.platform.simulator.summary();
    expect({ refunds: after.refunds - before.refunds, amount: after.refunded - before.refunded }).toEqual({
      refunds: 1,
      amount: 70,
    });
  });
});
