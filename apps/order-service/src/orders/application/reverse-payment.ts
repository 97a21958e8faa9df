import type { Call } from '@redstart/ports';
import type { PaymentGateway } from '../../payments/application/payment-gateway.js';
import { chargeKey } from '../domain/order.js';
import type { OrderStore } from './order-store.js';

/** Pays back what a cancelled or rejected order was charged, or sees to it that it is never charged. Repeatable. */
export class ReversePayment {
  constructor(private readonly parts: { orders: OrderStore; payments: PaymentGateway }) {}

  async run(orderId: string, call?: Call): Promise<'settled' | 'nothing-due'> {
    const order = await this.parts.orders.find(orderId);
    if (order?.payment?.state !== 'reversal-due') return 'nothing-due';
    const { number } = order.payment;
    const state = await this.parts.payments.reverse(chargeKey(orderId, number), call);
    await this.parts.orders.settle(orderId, { number, state });
    return 'settled';
  }
}
