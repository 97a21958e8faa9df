import type { OrderEvent } from '@redstart/messages';
import { v7 as uuid } from 'uuid';
import type { Move, Order } from '../domain/order.js';

const SOURCE = 'order-service';

/** The order after its move, as the event that says so. `order.sequence` is the event's. */
export function orderEvent(order: Order, change: { now: number; move?: Move }): OrderEvent {
  const envelope = {
    specversion: '1.0' as const,
    id: uuid(),
    source: SOURCE,
    subject: order.id,
    sequence: order.sequence,
    time: new Date(change.now).toISOString(),
  };
  const money = (amount: number) => ({ amount, currency: order.currency });
  const data = {
    customer: order.customer,
    lines: order.lines.map((line) => ({ ...line, unitPrice: money(line.unitPrice), total: money(line.total) })),
    total: money(order.total),
    placedAt: new Date(order.placedAt).toISOString(),
  };
  const { move } = change;
  switch (move?.to) {
    case undefined:
    case 'placed':
      return { ...envelope, type: 'order.placed.v1', data };
    case 'confirmed':
      return { ...envelope, type: 'order.confirmed.v1', data };
    case 'delivered':
      return { ...envelope, type: 'order.delivered.v1', data };
    case 'rejected':
      return { ...envelope, type: 'order.rejected.v1', data: { ...data, reason: move.reason as Rejection } };
    case 'cancelled':
      return {
        ...envelope,
        type: 'order.cancelled.v1',
        data: { ...data, reason: move.reason ?? 'CANCELLED', from: move.from as Cancellable },
      };
  }
}

type Rejection = Extract<OrderEvent, { type: 'order.rejected.v1' }>['data']['reason'];
type Cancellable = Extract<OrderEvent, { type: 'order.cancelled.v1' }>['data']['from'];
