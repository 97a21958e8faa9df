import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { checkIdentifier } from '../database/database-settings.js';
import type { SqlExecutor } from '../unit-of-work/sql-executor.js';

export interface FencedRow {
  table: string;
  /** Primary key. */
  id: string | number;
  /** Default `id`. */
  idColumn?: string;
  /** Default `fence`: bigint, not null, 0 before the first claim. */
  fenceColumn?: string;
}

/**
 * First step of a lease holder, once: `set fence = $n where fence < $n`. From then on writes of every earlier holder,
 * guarded by `holdsFence`, find no row. Claiming again with the same fence is `claimed` too, so it may be retried.
 * `stale`: a later holder has claimed, or there is no such row; stop.
 * Source: M. Kleppmann, "How to do distributed locking", 2016; PORTS.md, lock.
 */
export async function claimFence(db: SqlExecutor, row: FencedRow & { fence: number }): Promise<'claimed' | 'stale'> {
  const table = sql.table(checkIdentifier(row.table, 'table'));
  const id = sql.ref(checkIdentifier(row.idColumn ?? 'id', 'column'));
  const fence = sql.ref(checkIdentifier(row.fenceColumn ?? 'fence', 'column'));
  const { numAffectedRows } = await sql`
    update ${table} set ${fence} = ${row.fence} where ${id} = ${row.id} and ${fence} <= ${row.fence}`.execute(db);
  return numAffectedRows === 1n ? 'claimed' : 'stale';
}

/** The condition of every later write of that holder: `.where(holdsFence(lease.fence))`. */
export function holdsFence(fence: number, column = 'fence'): RawBuilder<SqlBool> {
  return sql<SqlBool>`${sql.ref(checkIdentifier(column, 'column'))} = ${fence}`;
}

/**
 * Checks that a guarded write found its row.
 * @throws FenceLostError when it did not: a later holder has claimed the row
 */
export function requireFenced(result: { numUpdatedRows: bigint }, fence: number): void {
  if (result.numUpdatedRows === 0n) throw new FenceLostError(fence);
}

/** A later holder of the lock has claimed the row: this one's write was refused, and so must be the rest of its work. */
export class FenceLostError extends Error {
  readonly code = 'FENCE_LOST';
  constructor(readonly fence: number) {
    super(`a later holder has claimed the row; fence ${fence} no longer writes`);
    this.name = 'FenceLostError';
  }
}
