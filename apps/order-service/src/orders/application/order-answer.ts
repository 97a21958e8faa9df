import type { Order as OrderMessage } from '@redstart/messages';
import type { Order } from '../domain/order.js';

/** The order as other services see it. */
export function orderAnswer(order: Order): OrderMessage {
  const money = (amount: number) => ({ amount, currency: order.currency });
  return {
    id: order.id,
    userId: order.customer.id,
    status: order.status,
    lines: order.lines.map(({ sku, name, quantity, unitPrice, total }) => ({
      sku,
      name,
      quantity,
      unitPrice: money(unitPrice),
      total: money(total),
    })),
    total: money(order.total),
    placedAt: new Date(order.placedAt).toISOString(),
    ...(order.reason !== undefined && { reason: order.reason }),
    ...(order.placedBy !== undefined && { placedBy: order.placedBy }),
  };
}
