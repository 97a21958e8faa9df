import type { Asker } from '@redstart/messages';
import type { Clock } from '@redstart/ports';
import { cancel, type Order } from '../domain/order.js';
import { OrderNotCancellableError, OrderNotFoundError } from './order-errors.js';
import type { OrderStore } from './order-store.js';
import { mayRead } from './read-orders.js';

const DEFAULT_REASON = 'CANCELLED';

/**
 * Ends an order from any state but `rejected`: state, stock and event in one transaction, with the mark that its charge
 * is to be undone. A worker in the middle of it loses: its write finds the order no longer placed.
 */
export class CancelOrder {
  constructor(
    private readonly parts: {
      orders: OrderStore;
      clock: Clock;
      /** Told after the commit that a payment is to be reversed; may be lost, the reconciler sees the mark. */
      onReversalDue: (orderId: string) => void;
    },
  ) {}

  /** Cancelling again answers the order. @throws OrderNotFoundError, OrderNotCancellableError, BackendFault */
  async run({ id, asker, reason }: { id: string; asker: Asker; reason?: string }): Promise<Order> {
    const { orders, clock, onReversalDue } = this.parts;
    const found = await orders.find(id);
    if (!found || !mayRead(asker, found)) throw new OrderNotFoundError();
    const moved = await orders.move(id, { now: clock.now() }, (order) => {
      const move = cancel(order, reason ?? DEFAULT_REASON);
      return typeof move === 'string' ? undefined : move;
    });
    if (moved.status === 'unknown') throw new OrderNotFoundError();
    if (moved.order.status === 'rejected') throw new OrderNotCancellableError();
    if (moved.order.payment?.state === 'reversal-due') onReversalDue(id);
    return moved.order;
  }
}
