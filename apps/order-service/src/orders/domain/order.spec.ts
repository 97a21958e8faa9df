import { describe, expect, it } from '@jest/globals';
import { cancel, confirm, deliver, paymentNumber, quantities, reject, type Order, type Payment } from './order.js';

const order = (over: Partial<Order> = {}): Order => ({
  id: '0190a000-0000-7000-8000-000000000001',
  customer: { id: '0190a000-0000-7000-8000-000000000002', name: 'Customer', email: 'customer@example.com' },
  status: 'placed',
  lines: [{ sku: 'A', name: 'Apple', quantity: 2, unitPrice: 50, total: 100 }],
  total: 100,
  currency: 'GBP',
  placedAt: 0,
  sequence: 1,
  reserved: false,
  ...over,
});
const paid = (state: Payment['state']): Payment => ({ number: 1, state });

describe('an order', () => {
  it('is confirmed only while it is placed and its goods are set aside', () => {
    expect(confirm(order({ reserved: true }))).toMatchObject({ to: 'confirmed', payment: 'charged' });
    expect(confirm(order({ reserved: false }))).toBeUndefined();
    for (const status of ['confirmed', 'delivered', 'rejected', 'cancelled'] as const)
      expect(confirm(order({ status, reserved: true }))).toBeUndefined();
  });

  it('releases what it had set aside when it is rejected, and undoes a charge whose answer is not known', () => {
    expect(reject(order({ reserved: true, payment: paid('asked') }), 'TIMED_OUT')).toMatchObject({
      to: 'rejected',
      reason: 'TIMED_OUT',
      releasesStock: true,
      payment: 'reversal-due',
    });
    expect(reject(order(), 'OUT_OF_STOCK')).toMatchObject({ releasesStock: false, payment: undefined });
  });

  it('does not undo a charge that was refused', () => {
    const move = reject(order({ reserved: true, payment: paid('asked') }), 'PAYMENT_REFUSED');
    expect(move).toMatchObject({ payment: 'refused', releasesStock: true });
  });

  it.each(['placed', 'confirmed', 'delivered'] as const)('can be cancelled when it is %s', (status) => {
    const move = cancel(order({ status, reserved: true, payment: paid('charged') }), 'CANCELLED');
    expect(move).toMatchObject({ from: status, to: 'cancelled', releasesStock: true, payment: 'reversal-due' });
  });

  it('is cancelled once, and never when it was rejected', () => {
    expect(cancel(order({ status: 'cancelled' }), 'CANCELLED')).toBe('already');
    expect(cancel(order({ status: 'rejected' }), 'CANCELLED')).toBe('not-cancellable');
  });

  it('is delivered only when it is confirmed', () => {
    expect(deliver(order({ status: 'confirmed' }))).toMatchObject({ to: 'delivered' });
    for (const status of ['placed', 'delivered', 'rejected', 'cancelled'] as const)
      expect(deliver(order({ status }))).toBeUndefined();
  });

  it('keeps its payment number until a charge was definitely refused', () => {
    expect(paymentNumber(order())).toBe(1);
    for (const state of ['asked', 'charged', 'reversal-due', 'refunded', 'voided'] as const)
      expect(paymentNumber({ payment: { number: 3, state } })).toBe(3);
    expect(paymentNumber({ payment: { number: 3, state: 'refused' } })).toBe(4);
  });

  it('adds up the lines of one sku and sorts by sku', () => {
    const lines = [
      { sku: 'b', quantity: 1 },
      { sku: 'B', quantity: 2 },
      { sku: 'b', quantity: 3 },
    ];
    expect(quantities(lines)).toEqual([
      ['B', 2],
      ['b', 4],
    ]);
  });
});
