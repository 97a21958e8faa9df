import type { SqlTransaction } from './sql-executor.js';

const waiting = new WeakMap<SqlTransaction, (() => void)[]>();

/** Lets `afterCommit` collect for this transaction. Answers what is to be run once it is committed. */
export function collectAfterCommit(tx: SqlTransaction): () => void {
  const tasks: (() => void)[] = [];
  waiting.set(tx, tasks);
  return () => {
    for (const task of tasks) task();
  };
}

/**
 * Runs `task` once the unit of work that made `tx` is committed; never when it is not. Answers false when no unit of
 * work made it (a bare kysely transaction): then nothing will be run.
 */
export function afterCommit(tx: SqlTransaction, task: () => void): boolean {
  const tasks = waiting.get(tx);
  tasks?.push(task);
  return tasks !== undefined;
}
