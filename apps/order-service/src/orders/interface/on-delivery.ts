import type { DeliveryEvent } from '@redstart/messages';
import type { Clock, Handled } from '@redstart/ports';
import type { EventInbox } from '../application/event-inbox.js';
import type { OrderStore } from '../application/order-store.js';
import { deliver } from '../domain/order.js';

/** How long to wait for the event that is missing before this one. */
const GAP_RETRY_MS = 500;

/**
 * Consumer of stream `deliveries`, group `order-service`. An order that was cancelled meanwhile stays so: the event is
 * accepted and has no effect.
 */
export async function onDelivery(
  event: DeliveryEvent,
  { inbox, orders, clock }: { inbox: EventInbox; orders: OrderStore; clock: Clock },
): Promise<Handled> {
  const accepted = await inbox.once(event, async (tx) => {
    switch (event.type) {
      case 'delivery.completed.v1':
        await orders.move(event.subject, { now: clock.now(), tx }, deliver);
    }
  });
  return accepted === 'gap' ? { retryInMs: GAP_RETRY_MS } : 'done';
}
