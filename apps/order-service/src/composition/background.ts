import { deliveriesStream, type DeliveryEvent, type OrderEvent } from '@redstart/messages';
import type { Adapters, Clock } from '@redstart/ports';
import { Inbox, inboxConsumer, startOutboxRelay } from '@redstart/postgres-adapters';
import { Loop } from '@redstart/service-kit';
import { v7 as uuid } from 'uuid';
import { afterAppend } from '../orders/interface/after-append.js';
import { onDelivery } from '../orders/interface/on-delivery.js';
import { startOrderWorkers } from '../orders/interface/order-workers.js';
import { RECONCILE_EVERY_MS } from '../orders/application/reconciler.js';
import type { OrderPlatform } from './order-platform.js';

const GROUP = 'order-service';
const ATTEMPTS = 10;
const TAKEOVER_MS = 5000;
const CLEAN_EVERY_MS = 10 * 60_000;
const CLEAN_BATCH = 1000;
const STOP_MS = 5000;

export interface Background {
  platform: OrderPlatform;
  adapters: Adapters;
  clock: Clock;
  onFault: (what: string, error: unknown) => void;
  faultPoint?: (name: string) => void;
}

/** What runs by itself: relay, workers, the consumer of deliveries, reconciler, cleaning. Answers how to stop it. */
export function startBackground({ platform, adapters, clock, onFault, faultPoint = () => undefined }: Background) {
  const { workerOrders, workerShare, outbox, idempotency, sessionRecords, reconciler, database } = platform;
  const fault = (what: string) => (error: unknown) => onFault(what, error);
  const inbox = new Inbox();
  const relay = startOutboxRelay<OrderEvent>({
    outbox,
    target: adapters.stream,
    afterAppend: afterAppend({ orders: workerOrders, queue: adapters.queue, clock, faultPoint }),
    onFault: fault('outbox relay'),
  });
  const workers = startOrderWorkers({
    queue: adapters.queue,
    processOrder: platform.processOrder,
    reversePayment: platform.reversePayment,
    onFault: fault('worker'),
  });
  const consumer = adapters.stream.consume<DeliveryEvent>(
    deliveriesStream,
    GROUP,
    inboxConsumer(
      {
        inbox,
        unitOfWork: workerShare.unitOfWork,
        clock,
        group: GROUP,
        afterEffect: () => faultPoint('order-service.after-delivery-before-ack'),
      },
      onDelivery({ orders: workerOrders, clock }),
    ),
    { consumer: uuid(), attempts: ATTEMPTS, takeoverMs: TAKEOVER_MS, onFault: fault('stream deliveries') },
  );
  const loops = [
    new Loop({ clock, everyMs: RECONCILE_EVERY_MS, task: () => reconciler.run(), onFault: fault('reconciler') }),
    new Loop({
      clock,
      everyMs: CLEAN_EVERY_MS,
      onFault: fault('cleaning'),
      task: async () => {
        await idempotency.purge(database.db);
        await inbox.purge(database.db);
        const dropped = await sessionRecords.dropExpired({ now: clock.now(), limit: CLEAN_BATCH });
        return dropped === CLEAN_BATCH ? 'again' : undefined;
      },
    }),
  ];
  return {
    async stop(): Promise<void> {
      const deadline = { deadlineMs: STOP_MS };
      await Promise.all([
        ...loops.map((loop) => loop.stop()),
        ...workers.map((worker) => worker.stop(deadline)),
        consumer.stop(deadline),
        relay.stop(deadline),
      ]);
    },
  };
}
