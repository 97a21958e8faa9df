import type { Kysely } from 'kysely';

/**
 * One step of a schema. Expand-then-contract: the previous release must run on the new schema, so a release only adds
 * (tables, nullable or defaulted columns, indexes); what the previous one still uses is dropped by a later release.
 * Once released it is never edited.
 */
export interface Migration {
  /** Unique in its service and sorted by: `0001-orders`. */
  name: string;
  /** Runs in a transaction of its own, as the schema's owner. Its tables are not known to the types. */
  up(db: Kysely<unknown>): Promise<void>;
}

/** The steps of one owner within a schema, recorded under its name: the service's own, or those of a part of this library. */
export interface MigrationSet {
  owner: string;
  migrations: readonly Migration[];
  /** Runs at every start, after the steps, under the same lock: tables that follow the calendar. Idempotent. */
  tend?(db: Kysely<unknown>): Promise<void>;
}
