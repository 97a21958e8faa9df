import { LockBusyError, LockLostError, type Clock, type Lock, type Verdict } from '@redstart/ports';
import type { PaymentGateway } from '../../payments/application/payment-gateway.js';
import { chargeKey, confirm, reject } from '../domain/order.js';
import type { OrderStore } from './order-store.js';
import type { ReversePayment } from './reverse-payment.js';

/** Kept alive by the lock's watchdog while the work goes on; a holder that dies is followed after so long. */
const LEASE_MS = 15_000;
const WORK_LIMIT_MS = 5 * 60_000;
const BUSY_RETRY_MS = 500;

export interface ProcessOrderParts {
  orders: OrderStore;
  payments: PaymentGateway;
  reversePayment: ReversePayment;
  lock: Lock;
  clock: Clock;
  /** Where a test may kill the process. */
  faultPoint: (name: string) => void;
}

/**
 * Moves one placed order on, under its lock: sets its goods aside, charges, confirms; or rejects it. It may be repeated
 * and taken over at any point: what is reserved is not reserved again, a charge is repeated by its key, and a write of
 * one whose lock was taken over is refused by the fence.
 */
export class ProcessOrder {
  constructor(private readonly parts: ProcessOrderParts) {}

  /** @throws BackendFault, or what the work threw: the queue tries again */
  async run(orderId: string, signal: AbortSignal): Promise<Verdict> {
    const { lock, clock, faultPoint } = this.parts;
    const tooLong = new AbortController();
    const limit = clock.after(WORK_LIMIT_MS, () => tooLong.abort(new Error(`no end after ${WORK_LIMIT_MS} ms`)));
    try {
      const verdict = await lock.withLock(`order:${orderId}`, { ttlMs: LEASE_MS, signal }, (lease) =>
        this.work(orderId, lease.fence, AbortSignal.any([lease.signal, signal, tooLong.signal])),
      );
      faultPoint('order-service.after-effect-before-ack');
      return verdict;
    } catch (error) {
      // Somebody else works on it, or may have taken it over: look again shortly; that is no failed attempt.
      if (error instanceof LockBusyError || error instanceof LockLostError) return later();
      throw error;
    } finally {
      limit.cancel();
    }
  }

  private async work(orderId: string, fence: number, signal: AbortSignal): Promise<Verdict> {
    const { orders, payments, clock, faultPoint } = this.parts;
    // Stale: a later holder was here, or the lock's server lost its memory and gives lower fences for a while.
    if ((await orders.claim(orderId, fence)) === 'stale') return (await this.isOpen(orderId)) ? later() : 'done';
    signal.throwIfAborted();
    const reserved = await orders.reserve(orderId, { fence, now: clock.now() });
    faultPoint('order-service.after-reserve');
    if (reserved.status === 'lost') return this.leave(orderId, signal);
    if (reserved.status === 'out-of-stock') return 'done';
    signal.throwIfAborted();
    const { order, payment } = reserved;
    const charged = await payments.charge(
      { key: chargeKey(orderId, payment.number), amount: order.total, currency: order.currency },
      { signal },
    );
    faultPoint('order-service.after-charge');
    if (charged === 'voided') return this.leave(orderId, signal);
    const moved = await orders.move(orderId, { fence, now: clock.now() }, (current) =>
      charged === 'charged' ? confirm(current) : reject(current, 'PAYMENT_REFUSED'),
    );
    return moved.status === 'moved' ? 'done' : this.leave(orderId, signal);
  }

  /**
   * The order moved without us. Whoever cancelled or rejected it wrote down that the charge is to be undone; if it is
   * still placed, a later holder repeats the charge by the same key.
   */
  private async leave(orderId: string, signal: AbortSignal): Promise<Verdict> {
    await this.parts.reversePayment.run(orderId, { signal });
    return (await this.isOpen(orderId)) ? later() : 'done';
  }

  private async isOpen(orderId: string): Promise<boolean> {
    return (await this.parts.orders.stillPlaced([orderId])).length > 0;
  }
}

const later = (): Verdict => ({ retryInMs: Math.ceil(BUSY_RETRY_MS * (0.5 + Math.random())), countAttempt: false });
