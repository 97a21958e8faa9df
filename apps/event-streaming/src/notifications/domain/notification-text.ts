import type { OrderEvent } from '@redstart/messages';

/** One line for the customer; undefined: not worth one. */
export function notificationText(event: OrderEvent): string | undefined {
  switch (event.type) {
    case 'order.placed.v1':
      return undefined;
    case 'order.confirmed.v1':
      return `Order ${event.subject} is confirmed and on its way.`;
    case 'order.rejected.v1':
      return `Order ${event.subject} could not be accepted: ${event.data.reason}.`;
    case 'order.cancelled.v1':
      return `Order ${event.subject} is cancelled.`;
    case 'order.delivered.v1':
      return `Order ${event.subject} is delivered.`;
  }
}
