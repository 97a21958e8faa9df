import type { OrderEvent } from '@redstart/messages';
import { v7 as uuid } from 'uuid';

const money = (amount: number) => ({ amount, currency: 'GBP' });

/** The events of one order, as order-service writes them. Tests only. */
export class SampleOrder {
  readonly id = uuid();
  private sequence = 0;

  constructor(
    readonly customer = { id: uuid(), name: 'First Customer', email: 'first@customers.example' },
    readonly amount = 1530,
  ) {}

  event(
    state: 'placed' | 'confirmed' | 'rejected' | 'cancelled' | 'delivered',
    time = '2026-11-24T10:00:00.000Z',
  ): OrderEvent {
    const data = {
      customer: this.customer,
      lines: [
        {
          sku: '85123A',
          name: 'WHITE HEART',
          quantity: 6,
          unitPrice: money(this.amount / 6),
          total: money(this.amount),
        },
      ],
      total: money(this.amount),
      placedAt: time,
      ...(state === 'rejected' && { reason: 'OUT_OF_STOCK' }),
      ...(state === 'cancelled' && { reason: 'WRONG_SIZE', from: 'confirmed' }),
    };
    this.sequence += 1;
    return {
      specversion: '1.0',
      id: uuid(),
      source: 'order-service',
      type: `order.${state}.v1`,
      subject: this.id,
      sequence: this.sequence,
      time,
      data,
    } as OrderEvent;
  }
}
