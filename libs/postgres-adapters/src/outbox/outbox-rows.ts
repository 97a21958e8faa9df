import { sql } from 'kysely';
import type { SqlExecutor } from '../unit-of-work/sql-executor.js';

/** A row with its place in the partition, for ever the same once it has one. */
export interface PlacedRow<E> {
  position: number;
  event: E;
  settles: boolean;
  bytes: number;
}

export interface Placed<E> {
  /** The highest position given in the partition. */
  lastPosition: number;
  /** The lowest position that an append may begin with: older rows were dropped. */
  floorPosition: number;
  /** Up to here rows were appended and the hook has run. */
  handedPosition: number;
  rows: PlacedRow<E>[];
}

export interface PartitionLease {
  partition: number;
  relay: string;
  fence: number;
}

interface Answer<E> {
  last_position: number;
  floor_position: number;
  handed_position: number;
  position: number | null;
  settles: boolean;
  event: E;
  bytes: number;
}

/** The rows of one stream as a relay sees them. Everything is refused once the lease is another's. */
export class OutboxRows<E> {
  constructor(
    private readonly db: SqlExecutor,
    private readonly stream: string,
    private readonly holdMs: number,
  ) {}

  /**
   * Places up to `limit` committed rows and answers up to `limit` from after `after`, in order. `handed` is remembered
   * when given. Undefined: the lease is lost.
   */
  async place(
    { partition, relay, fence }: PartitionLease,
    { handed, after, limit }: { handed: number | undefined; after: number; limit: number },
  ): Promise<Placed<E> | undefined> {
    const { rows } = await sql<Answer<E>>`
      select * from outbox_place(
        ${this.stream}, ${partition}::smallint, ${relay}, ${fence},
        ${handed ?? null}::bigint, ${after}, ${limit}::integer, make_interval(secs => ${this.holdMs / 1000})
      )`.execute(this.db);
    const [lease, ...placed] = rows;
    if (!lease) return undefined;
    return {
      lastPosition: lease.last_position,
      floorPosition: lease.floor_position,
      handedPosition: lease.handed_position,
      rows: placed.map(({ position, event, settles, bytes }) => ({ position: position!, event, settles, bytes })),
    };
  }

  /** Goes on after `last`, which the stream knows and this database does not. False: the lease is lost. */
  async skipTo({ partition, relay, fence }: PartitionLease, last: number): Promise<boolean> {
    const { rows } = await sql<{ held: boolean }>`
      select outbox_skip(${this.stream}, ${partition}::smallint, ${relay}, ${fence}, ${last}) as held`.execute(this.db);
    return rows[0]!.held;
  }

  /** Of these partitions, those with rows that have no position yet. */
  async unplaced(partitions: readonly number[]): Promise<number[]> {
    const { rows } = await sql<{ partition: number }>`
      select p as partition from unnest(${partitions}::smallint[]) p
      where exists (
        select from outbox where stream = ${this.stream} and partition = p and position is null)`.execute(this.db);
    return rows.map(({ partition }) => partition);
  }
}
