import { z } from 'zod';
import { moneySchema } from '../money.js';
import { cloudEvent } from './cloud-event.js';

export const rejectionReasons = ['OUT_OF_STOCK', 'PAYMENT_REFUSED', 'TIMED_OUT'] as const;
export type RejectionReason = (typeof rejectionReasons)[number];

/** What each event says of its order, so that a consumer needs no call back. */
const orderData = z.object({
  customer: z.object({ id: z.uuid(), name: z.string(), email: z.string() }),
  lines: z.array(
    z.object({
      sku: z.string(),
      name: z.string(),
      quantity: z.int().min(1),
      unitPrice: moneySchema,
      total: moneySchema,
    }),
  ),
  total: moneySchema,
  placedAt: z.iso.datetime(),
});

export const orderPlaced = cloudEvent('order.placed.v1', orderData);
export const orderConfirmed = cloudEvent('order.confirmed.v1', orderData);
export const orderRejected = cloudEvent('order.rejected.v1', orderData.extend({ reason: z.enum(rejectionReasons) }));
/** `from`: the state that was left; after `delivered` it is a return. */
export const orderCancelled = cloudEvent(
  'order.cancelled.v1',
  orderData.extend({ reason: z.string(), from: z.enum(['placed', 'confirmed', 'delivered']) }),
);
export const orderDelivered = cloudEvent('order.delivered.v1', orderData);

export const orderEvent = z.discriminatedUnion('type', [
  orderPlaced,
  orderConfirmed,
  orderRejected,
  orderCancelled,
  orderDelivered,
]);

export type OrderPlaced = z.infer<typeof orderPlaced>;
export type OrderConfirmed = z.infer<typeof orderConfirmed>;
export type OrderRejected = z.infer<typeof orderRejected>;
export type OrderCancelled = z.infer<typeof orderCancelled>;
export type OrderDelivered = z.infer<typeof orderDelivered>;
export type OrderEvent = z.infer<typeof orderEvent>;
