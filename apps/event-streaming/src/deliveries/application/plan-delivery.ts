import type { Clock } from '@redstart/ports';
import { v7 as uuid } from 'uuid';
import type { Reaction } from '../../orders/application/reaction.js';
import type { DeliveryStore } from './delivery-store.js';

/** A confirmed order is on its way; a cancelled one is stopped. */
export const planDelivery =
  <Tx>(parts: { deliveries: DeliveryStore<Tx>; clock: Clock; delayMs: number }): Reaction<Tx> =>
  async (event, tx) => {
    if (event.type === 'order.confirmed.v1') {
      const dueAt = new Date(parts.clock.now() + parts.delayMs);
      await parts.deliveries.schedule(tx, { id: uuid(), orderId: event.subject, dueAt });
    } else if (event.type === 'order.cancelled.v1') {
      await parts.deliveries.stop(tx, event.subject);
    }
  };
