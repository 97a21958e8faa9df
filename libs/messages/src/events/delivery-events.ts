import { z } from 'zod';
import { cloudEvent } from './cloud-event.js';

/** Written by event-streaming's carrier when the parcel has arrived; makes the order `delivered`. */
export const deliveryCompleted = cloudEvent(
  'delivery.completed.v1',
  z.object({ deliveryId: z.uuid(), completedAt: z.iso.datetime() }),
);

export const deliveryEvent = z.discriminatedUnion('type', [deliveryCompleted]);

export type DeliveryCompleted = z.infer<typeof deliveryCompleted>;
export type DeliveryEvent = z.infer<typeof deliveryEvent>;
