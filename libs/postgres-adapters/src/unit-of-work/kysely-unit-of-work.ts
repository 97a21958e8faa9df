import { UnavailableFault, type Clock } from '@redstart/ports';
import type { Kysely, Transaction } from 'kysely';
import { currentBudget, withinBudget, withoutBudget } from '../database/call-budget.js';
import { isConflict } from '../database/postgres-faults.js';
import { collectAfterCommit } from './after-commit.js';
import { UnitOfWork, type UnitOptions } from './unit-of-work.js';

const ATTEMPTS = 5;
const FIRST_WAIT_MS = 10;

/** A unit of work as a PostgreSQL transaction. */
export class KyselyUnitOfWork<DB> extends UnitOfWork<Transaction<DB>> {
  constructor(
    private readonly db: Kysely<DB>,
    private readonly clock: Clock,
  ) {
    super();
  }

  run<R>(work: (tx: Transaction<DB>) => Promise<R>, options: UnitOptions = {}): Promise<R> {
    return withinBudget(options, async () => {
      const attempts = options.attempts ?? ATTEMPTS;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await this.#once(work, options);
        } catch (error) {
          if (!isConflict(error)) throw error;
          const { signal, deadlineMs } = currentBudget();
          // Full jitter, so that those who collided do not collide again.
          const waitMs = Math.random() * FIRST_WAIT_MS * 2 ** attempt;
          if (attempt >= attempts || performance.now() + waitMs >= deadlineMs) {
            const message = `gave way to other transactions ${attempt} times`;
            throw new UnavailableFault(message, { operation: 'postgres.transaction', effect: 'none', cause: error });
          }
          await this.clock.sleep(waitMs, signal);
        }
      }
    });
  }

  async #once<R>(work: (tx: Transaction<DB>) => Promise<R>, options: UnitOptions): Promise<R> {
    let committed = () => {};
    const begin = this.db.transaction();
    const result = await (options.isolation ? begin.setIsolationLevel(options.isolation) : begin).execute((tx) => {
      committed = collectAfterCommit(tx);
      return work(tx);
    });
    withoutBudget(committed);
    return result;
  }
}
