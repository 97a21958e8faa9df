import { Controller, Inject } from '@nestjs/common';
import { notificationsRpc, type Notification, type Page, type RpcIn } from '@redstart/messages';
import { RpcHandler, RpcProblemError } from '@redstart/service-kit';
import { validate } from 'uuid';
import type { NotificationStore } from '../application/notification-store.js';

export const NOTIFICATIONS = Symbol('notifications');

@Controller()
export class NotificationsController {
  constructor(@Inject(NOTIFICATIONS) private readonly notifications: Pick<NotificationStore<never>, 'list'>) {}

  @RpcHandler(notificationsRpc.list)
  list({ userId, cursor, limit }: RpcIn<typeof notificationsRpc.list>): Promise<Page<Notification>> {
    if (cursor !== undefined && !validate(cursor)) {
      throw new RpcProblemError({ status: 400, code: 'MALFORMED', detail: 'the cursor is not one that a page gave' });
    }
    return this.notifications.list(userId, { cursor, limit });
  }
}
