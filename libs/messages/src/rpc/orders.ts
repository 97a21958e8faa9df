import type { Money } from '../money.js';
import { rpc, type Page } from './rpc.js';

export const orderStatuses = ['placed', 'confirmed', 'delivered', 'rejected', 'cancelled'] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export interface OrderLine {
  sku: string;
  name: string;
  quantity: number;
  unitPrice: Money;
  total: Money;
}

export interface Order {
  id: string;
  userId: string;
  status: OrderStatus;
  lines: OrderLine[];
  total: Money;
  /** RFC 3339, UTC. */
  placedAt: string;
  reason?: string;
  /** The administrator who placed it on the customer's behalf. */
  placedBy?: string;
}

export interface OrderHistoryEvent {
  id: string;
  type: string;
  time: string;
  data: unknown;
  reason?: string;
}

export interface PlaceOrder {
  userId: string;
  /** The administrator who acts for the user. */
  actorId?: string;
  idempotencyKey: string;
  /** SHA-256 of the canonical body, hex. */
  bodyHash: string;
  lines: { sku: string; quantity: number }[];
}

/** Who asks: a customer sees their own orders, an administrator all. */
export interface Asker {
  userId: string;
  role: 'customer' | 'admin';
}

/**
 * Refusals: `UNKNOWN_SKU` 422, `QUANTITY_OUT_OF_RANGE` 422, `IDEMPOTENCY_KEY_REUSED` 422, `IDEMPOTENCY_KEY_IN_FLIGHT`
 * 409, `ORDER_NOT_FOUND` 404, `ORDER_NOT_CANCELLABLE` 409, `USER_NOT_FOUND` 404.
 */
export const ordersRpc = {
  /** `status` and `body` are the stored answer, a refusal (422) included; `replayed`: it was stored before. */
  place: rpc<PlaceOrder, { status: number; body: unknown; replayed: boolean }>().as('orders.place'),
  get: rpc<{ id: string; asker: Asker }, Order>().as('orders.get'),
  list: rpc<{ asker: Asker; status?: OrderStatus; cursor?: string; limit: number }, Page<Order>>().as('orders.list'),
  cancel: rpc<{ id: string; asker: Asker; reason?: string }, Order>().as('orders.cancel'),
  events: rpc<{ id: string; asker: Asker }, Page<OrderHistoryEvent>>().as('orders.events'),
};
