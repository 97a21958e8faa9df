import { sql } from 'kysely';
import type { SqlExecutor, SqlTransaction } from '../unit-of-work/sql-executor.js';

export interface IdempotencyKey {
  userId: string;
  key: string;
}

export type Begun =
  /** The first of its key: do the work and `finish` in the same transaction. */
  | { status: 'new' }
  /** Done before with the same body: answer this. */
  | { status: 'replay'; answer: { status: number; body: unknown } }
  /** Done before, or being done, with another body. */
  | { status: 'mismatch' }
  /** Another transaction holds the key and did not end within the wait. */
  | { status: 'in-flight' };

const KEEP_MS = 24 * 60 * 60 * 1000;
const WAIT_MS = 2000;
const PURGE_BATCH = 1000;

/**
 * Answers by (user, key), written in the transaction that does the work: both or neither are there. Kept 24 hours; a
 * key older than that is as good as unknown, also before `purge` has taken it out.
 *
 * Of several concurrent callers with one key, one gets `new` and the others wait for its transaction: `replay` when it
 * commits, `new` for one of them when it rolls back.
 */
export class IdempotencyRecords {
  readonly #keepMs: number;
  readonly #waitMs: number;

  /** `waitMs`: how long `begin` waits for another transaction. Default 2000. */
  constructor({ keepMs = KEEP_MS, waitMs = WAIT_MS }: { keepMs?: number; waitMs?: number } = {}) {
    this.#keepMs = keepMs;
    this.#waitMs = waitMs;
  }

  /** The transaction stays usable whatever the answer. `bodyHash`: see the function of that name. */
  async begin(tx: SqlTransaction, request: IdempotencyKey & { bodyHash: string }): Promise<Begun> {
    const { rows } = await sql<{ outcome: Begun['status']; stored_status: number; stored_body: unknown }>`
      select outcome, stored_status, stored_body from idempotency_begin(
        ${request.userId}, ${request.key}, ${request.bodyHash},
        make_interval(secs => ${this.#keepMs / 1000}), ${this.#waitMs}
      )`.execute(tx);
    const { outcome, stored_status: status, stored_body: body } = rows[0]!;
    return outcome === 'replay' ? { status: outcome, answer: { status, body } } : { status: outcome };
  }

  /** Stores the answer that `replay` will give. `body` must be JSON. */
  async finish(
    tx: SqlTransaction,
    { userId, key }: IdempotencyKey,
    answer: { status: number; body: unknown },
  ): Promise<void> {
    const body = JSON.stringify(answer.body ?? null);
    await sql`
      update idempotency_record set status = ${answer.status}, body = ${body}::json
      where user_id = ${userId} and key = ${key}`.execute(tx);
  }

  /** Deletes what is older than its time, a thousand rows a statement. Answers how many. Run it every few minutes. */
  async purge(db: SqlExecutor): Promise<number> {
    for (let purged = 0; ;) {
      const { numAffectedRows = 0n } = await sql`
        delete from idempotency_record where (user_id, key) in (
          select user_id, key from idempotency_record
          where created_at <= now() - make_interval(secs => ${this.#keepMs / 1000})
          order by created_at limit ${PURGE_BATCH} for update skip locked
        )`.execute(db);
      purged += Number(numAffectedRows);
      if (numAffectedRows < PURGE_BATCH) return purged;
    }
  }
}
