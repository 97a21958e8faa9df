import type { Notification, Page } from '@redstart/messages';

export interface NewNotification {
  eventId: string;
  userId: string;
  orderId: string;
  type: string;
  text: string;
  time: Date;
}

export interface NotificationStore<Tx> {
  /** One notification an event; a second call for it does nothing. */
  add(tx: Tx, notification: NewNotification): Promise<void>;
  /** Newest first. */
  list(userId: string, page: { cursor?: string; limit: number }): Promise<Page<Notification>>;
  /** Deletes those older than `keepMs`. */
  purge(keepMs: number): Promise<void>;
}
