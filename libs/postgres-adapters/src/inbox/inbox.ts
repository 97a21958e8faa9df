import { sql } from 'kysely';
import type { SqlExecutor, SqlTransaction } from '../unit-of-work/sql-executor.js';

/** Where an event stands: `sequence` is dense per source and subject. */
export interface InboxEvent {
  /** The consumer group whose effect this is. Groups do not see each other. */
  group: string;
  source: string;
  subject: string;
  sequence: number;
  eventId: string;
}

/**
 * `new`: have the effect, in this transaction. `duplicate`: it was had before; acknowledge. `gap`: an earlier event of
 * the subject has not come yet; have no effect, do not acknowledge, try again later.
 */
export type Accepted = 'new' | 'duplicate' | 'gap';

const KEEP_MS = 90 * 24 * 60 * 60 * 1000;
const PURGE_BATCH = 1000;

/**
 * Makes effects in PostgreSQL happen once and in order, whatever the stream delivers: event id and last sequence are
 * kept per (group, source, subject), written with the effect in one transaction. A subject's first event may have any
 * sequence, each later one must be the next; so a group accepts **every** event of the subjects it follows, also of
 * types that it has nothing to do for.
 *
 * Bound: one row per group and subject, not per event: what is not newer than the last is a duplicate, which makes the
 * ids of earlier events needless. Rows untouched for 90 days are purged, long after the outbox (7 days) can repeat one.
 */
export class Inbox {
  async accept(tx: SqlTransaction, event: InboxEvent): Promise<Accepted> {
    const { group, source, subject, sequence, eventId } = event;
    // Two deliveries at once meet at the row: the second waits for the first's transaction, then sees its sequence.
    const { rows } = await sql`
      insert into inbox_subject as seen (group_name, source, subject, sequence, event_id)
      values (${group}, ${source}, ${subject}, ${sequence}, ${eventId})
      on conflict (group_name, source, subject) do update
        set sequence = excluded.sequence, event_id = excluded.event_id, accepted_at = now()
        where seen.sequence = excluded.sequence - 1
      returning 1`.execute(tx);
    if (rows.length > 0) return 'new';
    const last = await this.last(tx, event);
    return last !== undefined && sequence <= last ? 'duplicate' : 'gap';
  }

  /** The last sequence whose effect was had; undefined: none. */
  async last(
    db: SqlExecutor,
    { group, source, subject }: Pick<InboxEvent, 'group' | 'source' | 'subject'>,
  ): Promise<number | undefined> {
    const { rows } = await sql<{ sequence: number }>`
      select sequence from inbox_subject
      where group_name = ${group} and source = ${source} and subject = ${subject}`.execute(db);
    return rows[0]?.sequence;
  }

  /** An operator's way out of a gap that will never close: the next event of the subject, whatever its sequence, is `new`. */
  async forget(
    tx: SqlTransaction,
    { group, source, subject }: Pick<InboxEvent, 'group' | 'source' | 'subject'>,
  ): Promise<void> {
    await sql`
      delete from inbox_subject
      where group_name = ${group} and source = ${source} and subject = ${subject}`.execute(tx);
  }

  /** Deletes the rows of subjects untouched for `keepMs` (90 days), a thousand a statement. Answers how many. Run it daily. */
  async purge(db: SqlExecutor, keepMs: number = KEEP_MS): Promise<number> {
    for (let purged = 0; ;) {
      const { numAffectedRows = 0n } = await sql`
        delete from inbox_subject where (group_name, source, subject) in (
          select group_name, source, subject from inbox_subject
          where accepted_at <= now() - make_interval(secs => ${keepMs / 1000})
          order by accepted_at limit ${PURGE_BATCH} for update skip locked
        )`.execute(db);
      purged += Number(numAffectedRows);
      if (numAffectedRows < PURGE_BATCH) return purged;
    }
  }
}
