import { sql } from 'kysely';
import type { SqlExecutor } from '../unit-of-work/sql-executor.js';

export interface LeaseSettings {
  db: SqlExecutor;
  stream: string;
  partitions: number;
  /** Names this relay; unique per relay. */
  relay: string;
  leaseMs: number;
}

export interface Held {
  /** Fence by partition. */
  fences: ReadonlyMap<number, number>;
  /** How many this relay should hold. */
  quota: number;
}

/** Which partitions a relay holds: rows in PostgreSQL, by its clock, since a FLUSHALL would take leases in Redis. */
export class RelayLeases {
  constructor(readonly settings: LeaseSettings) {}

  async prepare(): Promise<void> {
    const { db, stream, partitions } = this.settings;
    await sql`
      insert into outbox_lease (stream, partition) select ${stream}, generate_series(0, ${partitions - 1}::integer)
      on conflict do nothing`.execute(db);
  }

  /** Renews, and takes what is free and due to this relay. */
  async hold(): Promise<Held> {
    const { db, stream, relay, leaseMs } = this.settings;
    const { rows } = await sql<{ partition: number; fence: number; quota: number }>`
      select partition, fence, quota from outbox_hold(${stream}, ${relay}, make_interval(secs => ${leaseMs / 1000}))
      order by partition`.execute(db);
    return {
      fences: new Map(rows.map(({ partition, fence }) => [partition, fence])),
      quota: rows[0]?.quota ?? 0,
    };
  }

  /** Gives partitions back, so that another relay takes them at its next sign of life. Answers how many. */
  async release(partitions: readonly number[]): Promise<number> {
    const { db, stream, relay } = this.settings;
    const { numAffectedRows = 0n } = await sql`
      update outbox_lease set holder = null, expires_at = '-infinity'
      where stream = ${stream} and holder = ${relay} and partition = any(${partitions}::smallint[])`.execute(db);
    return Number(numAffectedRows);
  }

  /** Gives all back, and no longer counts among the relays alive. Answers how many. */
  async leave(): Promise<number> {
    const { db, stream, relay } = this.settings;
    await sql`delete from outbox_relay where stream = ${stream} and relay = ${relay}`.execute(db);
    const { numAffectedRows = 0n } = await sql`
      update outbox_lease set holder = null, expires_at = '-infinity'
      where stream = ${stream} and holder = ${relay}`.execute(db);
    return Number(numAffectedRows);
  }
}
