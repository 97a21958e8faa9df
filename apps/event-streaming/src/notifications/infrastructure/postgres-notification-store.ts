import type { Notification, Page } from '@redstart/messages';
import { sql } from 'kysely';
import type { Db, Tx } from '../../database/tables.js';
import type { NewNotification, NotificationStore } from '../application/notification-store.js';

/** Event ids are UUIDv7: newest first is the ids' order backwards, and the last id of a page is its cursor. */
export class PostgresNotificationStore implements NotificationStore<Tx> {
  constructor(private readonly db: Db) {}

  async add(tx: Tx, { eventId, userId, orderId, type, text, time }: NewNotification): Promise<void> {
    await tx
      .insertInto('notification')
      .values({ event_id: eventId, user_id: userId, order_id: orderId, type, text, created_at: time })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async list(userId: string, { cursor, limit }: { cursor?: string; limit: number }): Promise<Page<Notification>> {
    let query = this.db.selectFrom('notification').selectAll().where('user_id', '=', userId);
    if (cursor) query = query.where('event_id', '<', cursor);
    const rows = await query
      .orderBy('event_id', 'desc')
      .limit(limit + 1)
      .execute();
    const items = rows.slice(0, limit).map((row) => ({
      id: row.event_id,
      type: row.type,
      orderId: row.order_id,
      text: row.text,
      time: row.created_at.toISOString(),
      read: row.read_at !== null,
    }));
    return rows.length > limit ? { items, nextCursor: items.at(-1)?.id } : { items };
  }

  async purge(keepMs: number): Promise<void> {
    const before = sql<Date>`now() - make_interval(secs => ${keepMs / 1000})`;
    await this.db.deleteFrom('notification').where('created_at', '<', before).execute();
  }
}
