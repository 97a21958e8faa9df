import type { Reaction } from '../../orders/application/reaction.js';
import { spendWindows } from '../domain/spend-windows.js';
import type { Spend, SpendStore } from './spend-store.js';

/** An order counts from `confirmed` on, in the windows of that moment, until it is cancelled. */
export const countSpend =
  <Tx>(store: SpendStore<Tx>): Reaction<Tx> =>
  async (event, tx) => {
    if (event.type === 'order.confirmed.v1') {
      const { customer, total } = event.data;
      const spend = {
        orderId: event.subject,
        userId: customer.id,
        amount: total.amount,
        countedAt: new Date(event.time),
      };
      await store.nameCustomer(tx, customer);
      if (await store.remember(tx, spend)) await change(store, tx, spend, spend.amount);
    } else if (event.type === 'order.cancelled.v1') {
      const spend = await store.forget(tx, event.subject);
      if (spend) await change(store, tx, spend, -spend.amount);
    }
  };

async function change<Tx>(store: SpendStore<Tx>, tx: Tx, { userId, countedAt }: Spend, amount: number): Promise<void> {
  const { all, day, week } = spendWindows(countedAt);
  // Always in this order, so that two events of one user cannot block each other.
  for (const window of [all, day, week]) await store.add(tx, window, { userId, amount });
}
