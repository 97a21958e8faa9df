import type { Asker } from '@redstart/messages';
import type { Order, OrderStatus } from '../domain/order.js';
import { OrderNotFoundError } from './order-errors.js';
import type { HistoryEvent, OrderStore } from './order-store.js';

export const mayRead = (asker: Asker, order: Order): boolean =>
  asker.role === 'admin' || order.customer.id === asker.userId;

/** A customer reads their own orders, an administrator all. */
export class ReadOrders {
  constructor(private readonly orders: OrderStore) {}

  /** @throws OrderNotFoundError */
  async get({ id, asker }: { id: string; asker: Asker }): Promise<Order> {
    const order = await this.orders.find(id);
    if (!order || !mayRead(asker, order)) throw new OrderNotFoundError();
    return order;
  }

  async list(options: {
    asker: Asker;
    status?: OrderStatus;
    before?: string;
    limit: number;
  }): Promise<{ items: Order[]; next?: string }> {
    const { asker, status, before, limit } = options;
    const userId = asker.role === 'admin' ? undefined : asker.userId;
    const found = await this.orders.list({ userId, status, before, limit: limit + 1 });
    const items = found.slice(0, limit);
    return found.length > limit ? { items, next: items.at(-1)!.id } : { items };
  }

  /** @throws OrderNotFoundError */
  async history({ id, asker }: { id: string; asker: Asker }): Promise<HistoryEvent[]> {
    await this.get({ id, asker });
    return this.orders.history(id);
  }
}
