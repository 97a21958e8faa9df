import type { Clock, TaskQueue } from '@redstart/ports';
import { reject } from '../domain/order.js';
import type { OrderStore } from './order-store.js';
import { processOrderQueue } from './order-tasks.js';
import type { ReversePayment } from './reverse-payment.js';

export const RECONCILE_EVERY_MS = 10_000;
/** An order that has not moved for so long is looked after. */
const QUIET_MS = 30_000;
/** An order gets so much time in which it could have moved. */
const ALLOWED_MS = 15 * 60_000;
/** Orders a look. */
const BATCH = 500;

export interface ReconcilerParts {
  orders: OrderStore;
  queue: TaskQueue;
  reversePayment: ReversePayment;
  clock: Clock;
  /** Whether all that an order needs in order to move is there now. */
  canMove: () => Promise<boolean>;
  onFault: (error: unknown) => void;
}

/**
 * Sees to it that no order is stuck for ever, whatever was lost on its way: a task in a flush, a worker, a reply of the
 * payment provider. Any number of replicas may run it; they share the work by row locks.
 *
 * Time counts against an order only while orders can move at all: one clock of healthy time for all of them, advanced by
 * each look by no more than twice its interval, so neither an outage nor a service that was down rejects an order.
 */
export class Reconciler {
  constructor(private readonly parts: ReconcilerParts) {}

  /** One look. It never rejects: what fails is told to `onFault` and holds up nothing else. */
  async run(): Promise<void> {
    const { orders, clock, canMove } = this.parts;
    const healthy = await canMove();
    await this.guarded(async () => {
      const healthyMs = await orders.healthyTime({ now: clock.now(), healthy, capMs: 2 * RECONCILE_EVERY_MS });
      if (healthy) await this.endOverdue(healthyMs - ALLOWED_MS);
    });
    await this.guarded(() => this.nudgeQuiet());
    await this.guarded(() => this.reversePayments());
  }

  private async endOverdue(placedHealthyMs: number): Promise<void> {
    const { orders, clock, reversePayment } = this.parts;
    for (const id of await orders.overdue({ placedHealthyMs, limit: BATCH })) {
      const moved = await orders.move(id, { now: clock.now() }, (order) => reject(order, 'TIMED_OUT'));
      if (moved.status === 'moved') await this.guarded(() => reversePayment.run(id));
    }
  }

  private async nudgeQuiet(): Promise<void> {
    const { orders, queue, clock } = this.parts;
    const now = clock.now();
    const ids = await orders.nudge({ now, quietMs: QUIET_MS, limit: BATCH });
    if (ids.length === 0) return;
    // No dedupe key: the relay's task may be lost or dead while its key still answers. The mark of the nudge sees to it
    // that the replicas together make one task an order and 30 s.
    const tasks = ids.map((orderId) => ({ payload: { orderId } }));
    await queue.enqueue(processOrderQueue, tasks);
  }

  private async reversePayments(): Promise<void> {
    const { orders, reversePayment, clock } = this.parts;
    const ids = await orders.nudgeReversals({ now: clock.now(), quietMs: QUIET_MS, limit: BATCH });
    for (const id of ids) await this.guarded(() => reversePayment.run(id));
  }

  private async guarded(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.parts.onFault(error);
    }
  }
}
