import { sql } from 'kysely';
import type { Order, OrderLine, OrderStatus, PaymentState } from '../domain/order.js';

export interface OrderRow {
  id: string;
  user_id: string;
  customer_name: string;
  customer_email: string;
  placed_by: string | null;
  status: OrderStatus;
  lines: OrderLine[];
  total: number;
  currency: string;
  placed_at: Date;
  reason: string | null;
  sequence: number;
  fence: number;
  reserved: boolean;
  payment_number: number | null;
  payment_state: PaymentState | null;
}

export const orderColumns = sql`
  id, user_id, customer_name, customer_email, placed_by, status, lines, total, currency, placed_at, reason, sequence,
  fence, reserved, payment_number, payment_state`;

export function toOrder(row: OrderRow): Order {
  return {
    id: row.id,
    customer: { id: row.user_id, name: row.customer_name, email: row.customer_email },
    ...(row.placed_by !== null && { placedBy: row.placed_by }),
    status: row.status,
    lines: row.lines,
    total: row.total,
    currency: row.currency,
    placedAt: row.placed_at.getTime(),
    ...(row.reason !== null && { reason: row.reason }),
    sequence: row.sequence,
    reserved: row.reserved,
    ...(row.payment_number !== null &&
      row.payment_state !== null && { payment: { number: row.payment_number, state: row.payment_state } }),
  };
}
