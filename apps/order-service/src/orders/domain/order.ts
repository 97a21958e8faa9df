/** Amounts are integer minor units of the order's one currency; instants are epoch milliseconds. */
export interface Order {
  id: string;
  customer: { id: string; name: string; email: string };
  /** The administrator who placed it on the customer's behalf. */
  placedBy?: string;
  status: OrderStatus;
  lines: readonly OrderLine[];
  total: number;
  currency: string;
  placedAt: number;
  reason?: string;
  /** Of its last event; dense, from 1. */
  sequence: number;
  /** Whether its lines are taken out of the stock. */
  reserved: boolean;
  payment?: Payment;
}

export interface OrderLine {
  sku: string;
  name: string;
  quantity: number;
  unitPrice: number;
  total: number;
}

export type OrderStatus = 'placed' | 'confirmed' | 'delivered' | 'rejected' | 'cancelled';
export type RejectionReason = 'OUT_OF_STOCK' | 'PAYMENT_REFUSED' | 'TIMED_OUT';

/**
 * `asked`: the charge may have happened, its answer is not known yet. `reversal-due`: whatever happened must be undone;
 * `refunded` and `voided` say that it was.
 */
export type PaymentState = 'asked' | 'charged' | 'refused' | 'reversal-due' | 'refunded' | 'voided';

export interface Payment {
  number: number;
  state: PaymentState;
}

/** What a change of state takes with it, all in one transaction. */
export interface Move {
  from: OrderStatus;
  to: OrderStatus;
  reason?: string;
  /** Put the lines back into the stock. */
  releasesStock: boolean;
  payment?: PaymentState;
}

/** The number that a charge of this order goes by: a new one only after a definite refusal of the last. */
export function paymentNumber({ payment }: Pick<Order, 'payment'>): number {
  if (!payment) return 1;
  return payment.state === 'refused' ? payment.number + 1 : payment.number;
}

/** The provider's idempotency key: whoever repeats a charge repeats this, so nobody is charged twice. */
export const chargeKey = (orderId: string, number: number): string => `${orderId}:${number}`;

/** Undefined: the order has moved on, or nothing is reserved for it; who was charged must be paid back. */
export function confirm(order: Order): Move | undefined {
  if (order.status !== 'placed' || !order.reserved) return undefined;
  return { from: 'placed', to: 'confirmed', releasesStock: false, payment: 'charged' };
}

export function reject(order: Order, reason: RejectionReason): Move | undefined {
  if (order.status !== 'placed') return undefined;
  return {
    from: 'placed',
    to: 'rejected',
    reason,
    releasesStock: order.reserved,
    payment: reason === 'PAYMENT_REFUSED' ? 'refused' : reversalOf(order.payment),
  };
}

export function deliver(order: Order): Move | undefined {
  if (order.status !== 'confirmed') return undefined;
  return { from: 'confirmed', to: 'delivered', releasesStock: false };
}

/** After delivery it is a return: the goods come back into the stock and the money goes back. */
export function cancel(order: Order, reason: string): Move | 'already' | 'not-cancellable' {
  if (order.status === 'cancelled') return 'already';
  if (order.status === 'rejected') return 'not-cancellable';
  return {
    from: order.status,
    to: 'cancelled',
    reason,
    releasesStock: order.reserved,
    payment: reversalOf(order.payment),
  };
}

/** A charge that was asked for may have happened: it is undone like one that has. */
function reversalOf(payment: Payment | undefined): PaymentState | undefined {
  return payment?.state === 'asked' || payment?.state === 'charged' ? 'reversal-due' : undefined;
}

/** Quantity by sku, in order of sku: the order in which stock is locked, so that two orders never deadlock. */
export function quantities(lines: readonly Pick<OrderLine, 'sku' | 'quantity'>[]): [sku: string, quantity: number][] {
  const bySku = new Map<string, number>();
  for (const { sku, quantity } of lines) bySku.set(sku, (bySku.get(sku) ?? 0) + quantity);
  return [...bySku].sort(([a], [b]) => (a < b ? -1 : 1));
}
