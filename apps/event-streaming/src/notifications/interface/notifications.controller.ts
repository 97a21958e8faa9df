import { Controller, Inject } from '@nestjs/common';
import { notificationsRpc, type Notification, type Page, type RpcIn } from '@redstart/messages';
import { checked, RpcHandler } from '@redstart/service-kit';
import { z } from 'zod';
import type { NotificationStore } from '../application/notification-store.js';

export const NOTIFICATIONS = Symbol('notifications');

const list = z.object({
  userId: z.uuid(),
  cursor: z.uuid('is not a cursor that this list gave').optional(),
  limit: z.int().min(1).max(100),
});

@Controller()
export class NotificationsController {
  constructor(@Inject(NOTIFICATIONS) private readonly notifications: Pick<NotificationStore<never>, 'list'>) {}

  @RpcHandler(notificationsRpc.list)
  async list(input: RpcIn<typeof notificationsRpc.list>): Promise<Page<Notification>> {
    const { userId, ...page } = checked(list, input);
    return this.notifications.list(userId, page);
  }
}
