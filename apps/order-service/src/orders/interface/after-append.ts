import type { OrderEvent } from '@redstart/messages';
import type { Clock, TaskQueue } from '@redstart/ports';
import type { OrderStore } from '../application/order-store.js';
import { processOrderQueue } from '../application/order-tasks.js';

/** An event as young as this is of an order that has hardly moved: no need to ask. */
const FRESH_MS = 10_000;

/**
 * What the relay does once the stream has events: placed orders are to be processed. After a rewind it sees days of old
 * events again, so it asks which of their orders are still `placed`.
 */
export const afterAppend =
  (parts: { orders: OrderStore; queue: TaskQueue; clock: Clock; faultPoint: (name: string) => void }) =>
  async (rows: readonly { event: OrderEvent }[], signal: AbortSignal): Promise<void> => {
    const placed = rows.map(({ event }) => event).filter(({ type }) => type === 'order.placed.v1');
    const now = parts.clock.now();
    const isFresh = ({ time }: OrderEvent) => now - Date.parse(time) < FRESH_MS;
    const old = placed.filter((event) => !isFresh(event)).map(({ subject }) => subject);
    const still = old.length > 0 ? await parts.orders.stillPlaced(old) : [];
    const due = [...placed.filter(isFresh).map(({ subject }) => subject), ...still];
    if (due.length > 0) {
      // A full queue holds up no event: its orders are the reconciler's.
      await parts.queue.enqueue(
        processOrderQueue,
        due.map((orderId) => ({ payload: { orderId }, dedupeKey: orderId })),
        { signal },
      );
    }
    parts.faultPoint('relay.after-append-before-mark');
  };
