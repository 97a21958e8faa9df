import type { DeliveryCompleted } from '@redstart/messages';
import type { Clock } from '@redstart/ports';
import { v7 as uuid } from 'uuid';
import type { DeliveryStore } from './delivery-store.js';

export interface CarrierParts<Tx> {
  deliveries: DeliveryStore<Tx>;
  clock: Clock;
  /** One transaction; the events are published once it is committed, and only then. */
  transaction: <R>(work: (tx: Tx) => Promise<R>) => Promise<R>;
  publish: (tx: Tx, events: readonly DeliveryCompleted[]) => Promise<void>;
}

const BATCH = 100;

/** Stands in for the parcel service: what is due arrives, and says so. Answers how many did. */
export async function deliverDue<Tx>({ deliveries, clock, transaction, publish }: CarrierParts<Tx>): Promise<number> {
  return transaction(async (tx) => {
    const now = new Date(clock.now());
    const arrived = await deliveries.completeDue(tx, { now, limit: BATCH });
    await publish(
      tx,
      arrived.map(({ id, orderId }) => ({
        specversion: '1.0',
        id: uuid(),
        source: 'event-streaming',
        type: 'delivery.completed.v1',
        subject: orderId,
        sequence: 1, // one delivery an order, one event a delivery
        time: now.toISOString(),
        data: { deliveryId: id, completedAt: now.toISOString() },
      })),
    );
    return arrived.length;
  });
}
