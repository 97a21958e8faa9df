import { sql } from 'kysely';
import type { Db, Tx } from '../../database/tables.js';
import type { MailStore, QueuedMail } from '../application/mail-store.js';
import type { Mail } from '../domain/order-mail.js';

const fromNow = (ms: number) => sql<Date>`now() + make_interval(secs => ${ms / 1000})`;

export class PostgresMailStore implements MailStore<Tx> {
  constructor(private readonly db: Db) {}

  async queue(tx: Tx, { eventId, recipient, subject, text }: Mail & { eventId: string }): Promise<void> {
    await tx
      .insertInto('mail')
      .values({ event_id: eventId, recipient, subject, text })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async take({ limit, leaseMs }: { limit: number; leaseMs: number }): Promise<QueuedMail[]> {
    const unsent = this.db
      .selectFrom('mail')
      .select('event_id')
      .where('sent_at', 'is', null)
      .where('next_at', '<=', sql<Date>`now()`)
      .orderBy('next_at')
      .limit(limit)
      .forUpdate()
      .skipLocked();
    const rows = await this.db
      .updateTable('mail')
      .set((eb) => ({ next_at: fromNow(leaseMs), attempts: eb('attempts', '+', 1) }))
      .where('event_id', 'in', unsent)
      .returning(['event_id', 'recipient', 'subject', 'text', 'attempts'])
      .execute();
    return rows.map(({ event_id: eventId, ...rest }) => ({ eventId, ...rest }));
  }

  async markSent(eventId: string): Promise<void> {
    await this.db
      .updateTable('mail')
      .set({ sent_at: sql<Date>`now()` })
      .where('event_id', '=', eventId)
      .execute();
  }

  async retryLater(eventId: string, delayMs: number): Promise<void> {
    await this.db
      .updateTable('mail')
      .set({ next_at: fromNow(delayMs) })
      .where('event_id', '=', eventId)
      .execute();
  }

  async purge(keepMs: number): Promise<void> {
    await this.db.deleteFrom('mail').where('sent_at', '<', fromNow(-keepMs)).execute();
  }
}
