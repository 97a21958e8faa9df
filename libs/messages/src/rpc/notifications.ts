import { rpc, type Page } from './rpc.js';

export interface Notification {
  id: string;
  /** The event's type that caused it. */
  type: string;
  orderId: string;
  text: string;
  /** RFC 3339, UTC. */
  time: string;
  read: boolean;
}

export const notificationsRpc = {
  /** Newest first. */
  list: rpc<{ userId: string; cursor?: string; limit: number }, Page<Notification>>().as('notifications.list'),
};
