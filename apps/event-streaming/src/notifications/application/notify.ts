import type { Reaction } from '../../orders/application/reaction.js';
import { notificationText } from '../domain/notification-text.js';
import type { NotificationStore } from './notification-store.js';

export const notify =
  <Tx>(notifications: NotificationStore<Tx>): Reaction<Tx> =>
  async (event, tx) => {
    const text = notificationText(event);
    if (text === undefined) return;
    await notifications.add(tx, {
      eventId: event.id,
      userId: event.data.customer.id,
      orderId: event.subject,
      type: event.type,
      text,
      time: new Date(event.time),
    });
  };
