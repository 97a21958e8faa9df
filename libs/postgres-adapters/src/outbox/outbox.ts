import { partitionOf, TooLargeFault, type Stream } from '@redstart/ports';
import { sql } from 'kysely';
import { TransactionRequiredError } from '../unit-of-work/transaction-required.js';
import { afterCommit } from '../unit-of-work/after-commit.js';
import type { SqlTransaction } from '../unit-of-work/sql-executor.js';
import type { ServiceDatabase } from '../database/service-database.js';
import { OutboxBell } from './outbox-bell.js';

/** What the outbox reads of an event; structurally a `CloudEvent`. */
export interface OutboxEvent {
  id: string;
  type: string;
  subject: string;
  /** Dense per subject, from 1. */
  sequence: number;
}

export interface OutboxSettings<E extends OutboxEvent> {
  /** The writing service's database. */
  database: ServiceDatabase;
  /** The stream that its events go to. */
  stream: Stream<E>;
}

export interface OutboxEntry<E> {
  event: E;
  /**
   * True when the subject does not move any more after this event, as far as is known: rows of a day are dropped after
   * seven days once all their subjects are settled. A settled subject may still move again (a return after delivery).
   */
  settles: boolean;
}

/** What a stream's adapters take, so that no event is accepted here that can never leave. */
const MAX_EVENT_BYTES = 1024 * 1024;

/** Events of one stream, written in the transaction that makes them true; a relay brings them to the stream. */
export class Outbox<E extends OutboxEvent> {
  readonly bell: OutboxBell;

  constructor(readonly settings: OutboxSettings<E>) {
    const { database, stream } = settings;
    this.bell = new OutboxBell({
      db: database.db,
      // A channel's name is an identifier: PostgreSQL takes 63 bytes.
      channel: `${database.schema}.outbox.${stream.name}`.slice(0, 63),
      onFault: (error) => database.onFault(error),
    });
  }

  /**
   * Once `tx` is committed, these events will be appended to the stream: at least once, each subject's in order of
   * sequence. A sequence written twice is refused (unique violation) while its day lasts.
   * @throws TooLargeFault when an event is over 1 MiB of JSON
   */
  async write(tx: SqlTransaction, entries: readonly OutboxEntry<E>[]): Promise<void> {
    if (!tx.isTransaction) throw new TransactionRequiredError('outbox.write');
    if (entries.length === 0) return;
    const { stream } = this.settings;
    // The stream's own rule: a subject's rows and its events share a partition number.
    const partitions = entries.map(({ event }) => partitionOf(event.subject, stream.partitions));
    const column = <V>(value: (entry: OutboxEntry<E>) => V) => entries.map(value);
    await sql`
      insert into outbox (stream, partition, subject, sequence, event_id, type, settles, event)
      select ${stream.name}, * from unnest(
        ${partitions}::smallint[], ${column(({ event }) => event.subject)}::text[],
        ${column(({ event }) => event.sequence)}::bigint[], ${column(({ event }) => event.id)}::text[],
        ${column(({ event }) => event.type)}::text[], ${column(({ settles }) => settles)}::boolean[],
        ${column(({ event }) => encode(event))}::json[]
      )`.execute(tx);
    afterCommit(tx, () => {
      for (const partition of new Set(partitions)) this.bell.ring(partition);
    });
  }
}

function encode(event: OutboxEvent): string {
  const json = JSON.stringify(event);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_EVENT_BYTES) {
    const message = `event ${event.id} has ${bytes} bytes, more than ${MAX_EVENT_BYTES}`;
    throw new TooLargeFault(message, { operation: 'outbox.write', effect: 'none' });
  }
  return json;
}
