import type { DeliveryEvent } from '@redstart/messages';
import type { Clock } from '@redstart/ports';
import type { OpenTransaction } from '../application/open-transaction.js';
import type { OrderStore } from '../application/order-store.js';
import { deliver } from '../domain/order.js';

/**
 * Effect of an event of stream `deliveries`, in the transaction that keeps it in the inbox. An order that was cancelled
 * meanwhile stays so: the event is accepted and has no effect.
 */
export const onDelivery =
  ({ orders, clock }: { orders: OrderStore; clock: Clock }) =>
  async (event: DeliveryEvent, tx: OpenTransaction): Promise<void> => {
    switch (event.type) {
      case 'delivery.completed.v1':
        await orders.move(event.subject, { now: clock.now(), tx }, deliver);
    }
  };
