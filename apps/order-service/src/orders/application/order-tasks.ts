import { jsonCodec, type Queue } from '@redstart/ports';

export interface OrderTask {
  orderId: string;
}

const DAY_MS = 24 * 60 * 60_000;

function orderTask(value: unknown): OrderTask {
  const { orderId } = (value ?? {}) as Partial<OrderTask>;
  if (typeof orderId !== 'string') throw new TypeError('a task needs an orderId');
  return { orderId };
}

const common = {
  shards: 1,
  leaseMs: 30_000,
  // A task that is dead or lost is not the end of its order: the reconciler enqueues another.
  attempts: 10,
  backoff: { firstMs: 200, maxMs: 30_000, jitter: 1 },
  dedupeMs: 60_000,
  keepDead: { count: 10_000, ageMs: 7 * DAY_MS },
  maxBytes: 64 * 1024 * 1024,
} satisfies Partial<Queue<OrderTask>>;

/** Moves a placed order on: stock, charge, confirmation. Dedupe key: the order's id. */
export const processOrderQueue: Queue<OrderTask> = {
  ...common,
  name: 'process-order',
  codec: jsonCodec('process-order@1', orderTask),
};

/** Undoes the charge of an order that was cancelled or rejected. Dedupe key: the order's id. */
export const reversePaymentQueue: Queue<OrderTask> = {
  ...common,
  name: 'reverse-payment',
  codec: jsonCodec('reverse-payment@1', orderTask),
};
