import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ManualClock } from '@redstart/memory-adapters';
import { openUnderTest, type UnderTest } from '../../composition/platform-under-test.js';
import { processOrderQueue } from './order-tasks.js';
import { RECONCILE_EVERY_MS, Reconciler } from './reconciler.js';

const MINUTE = 60_000;

let test: UnderTest;
let clock: ManualClock;
let canMove = true;
let reconcilers: Reconciler[];
const faults: unknown[] = [];

beforeAll(async () => {
  clock = new (await import('@redstart/memory-adapters')).ManualClock();
  test = await openUnderTest({ clock });
  const { workerOrders: orders, reversePayment } = test.platform;
  const make = () =>
    new Reconciler({
      orders,
      queue: test.adapters.queue,
      reversePayment,
      clock,
      canMove: async () => canMove,
      onFault: (error) => faults.push(error),
    });
  reconcilers = [make(), make()];
});
afterAll(() => test.close());
beforeEach(async () => {
  canMove = true;
  faults.length = 0;
  // What came to pass between tests is nobody's time.
  await looks(1);
});

/** As many looks as the loop would take, of two replicas each. */
async function looks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await clock.advance(RECONCILE_EVERY_MS);
    await Promise.all(reconcilers.map((reconciler) => reconciler.run()));
  }
}

async function placed() {
  const user = await test.customer();
  const sku = await test.product({ stock: 5 });
  return { sku, id: await test.place(user, [{ sku, quantity: 1 }]) };
}
const order = (id: string) => test.platform.orderStore.find(id);
const waiting = async () => (await test.adapters.queue.stats(processOrderQueue)).waiting;

describe('the reconciler', () => {
  it('enqueues an order that has not moved for 30 s, once a look of all replicas, and again 30 s later', async () => {
    const { id } = await placed();
    const before = await waiting();
    await looks(2);
    expect(await waiting()).toBe(before);
    await looks(1);
    expect(await waiting()).toBe(before + 1);
    await looks(3);
    expect(await waiting()).toBe(before + 2);
    await test.platform.workerOrders.move(id, { now: clock.now() }, () => ({
      from: 'placed',
      to: 'rejected',
      reason: 'TIMED_OUT',
      releasesStock: false,
    }));
    await looks(6);
    expect(await waiting()).toBe(before + 2);
  });

  it('enqueues it though the task of its placing is still remembered', async () => {
    const { id } = await placed();
    const task = { payload: { orderId: id }, dedupeKey: id };
    await test.adapters.queue.enqueue(processOrderQueue, [task]);
    expect(await test.adapters.queue.enqueue(processOrderQueue, [task])).toMatchObject([{ status: 'duplicate' }]);
    const before = await waiting();
    await looks(3);
    expect(await waiting()).toBeGreaterThan(before);
  });

  it('rejects an order that had 15 minutes in which it could have moved, and gives all of it back', async () => {
    const { id, sku } = await placed();
    const { workerOrders, simulator } = test.platform;
    await workerOrders.claim(id, 1);
    await workerOrders.reserve(id, { fence: 1, now: clock.now() });
    await simulator.charge({ key: `${id}:1`, amount: 100, currency: 'GBP' });
    const before = await simulator.summary();
    await looks((15 * MINUTE) / RECONCILE_EVERY_MS - 1);
    expect((await order(id))?.status).toBe('placed');
    await looks(1);
    expect(await order(id)).toMatchObject({
      status: 'rejected',
      reason: 'TIMED_OUT',
      payment: { state: 'refunded' },
    });
    expect((await simulator.summary()).refunds - before.refunds).toBe(1);
    expect(await test.stock(sku)).toBe(5);
  }, 60_000);

  it('does not count an outage, nor a time in which nobody looked', async () => {
    const { id } = await placed();
    canMove = false;
    await looks((20 * MINUTE) / RECONCILE_EVERY_MS);
    expect((await order(id))?.status).toBe('placed');
    canMove = true;
    await clock.advance(24 * 60 * MINUTE);
    await looks(1);
    expect((await order(id))?.status).toBe('placed');
    await looks((15 * MINUTE) / RECONCILE_EVERY_MS);
    expect(await order(id)).toMatchObject({ status: 'rejected', reason: 'TIMED_OUT' });
  }, 60_000);

  it('finishes a refund whose task was lost', async () => {
    const { id } = await placed();
    const { workerOrders, cancelOrder, simulator } = test.platform;
    await workerOrders.claim(id, 1);
    await workerOrders.reserve(id, { fence: 1, now: clock.now() });
    await simulator.charge({ key: `${id}:1`, amount: 100, currency: 'GBP' });
    // No worker runs here: the task of the cancellation waits for ever.
    await cancelOrder.run({ id, asker: { userId: '', role: 'admin' } });
    expect((await order(id))?.payment?.state).toBe('reversal-due');
    await looks(3);
    expect((await order(id))?.payment?.state).toBe('refunded');
    expect(faults).toEqual([]);
  });
});
