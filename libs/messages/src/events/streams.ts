import { deliveryEvent, type DeliveryEvent } from './delivery-events.js';
import { eventCodec } from './event-codec.js';
import { orderEvent, type OrderEvent } from './order-events.js';

/** Fixed for ever: see docs/adr/0006-fixed-partitions.md. */
const PARTITIONS = 16;
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const CAP = { bytes: 512 * 1024 * 1024, ageMs: WEEK_MS, when: 'refuse' } as const;

const types = (union: { options: readonly { shape: { type: { value: string } } }[] }) =>
  union.options.map((option) => option.shape.type.value);

/** Owner: order-service. Structurally a `Stream<OrderEvent>` of the stream port. */
export const ordersStream = {
  name: 'orders',
  codec: eventCodec<OrderEvent>('orders@1', orderEvent, types(orderEvent)),
  partitions: PARTITIONS,
  subject: (event: OrderEvent) => event.subject,
  eventId: (event: OrderEvent) => event.id,
  cap: CAP,
};

/** Owner: event-streaming. */
export const deliveriesStream = {
  name: 'deliveries',
  codec: eventCodec<DeliveryEvent>('deliveries@1', deliveryEvent, types(deliveryEvent)),
  partitions: PARTITIONS,
  subject: (event: DeliveryEvent) => event.subject,
  eventId: (event: DeliveryEvent) => event.id,
  cap: CAP,
};
