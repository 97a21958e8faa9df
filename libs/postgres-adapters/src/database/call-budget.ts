import { AsyncLocalStorage } from 'node:async_hooks';
import type { Call } from '@redstart/ports';

/** What remains of the caller's patience, seen by every query below it. */
export interface Budget {
  signal?: AbortSignal;
  /** On `performance.now()`'s scale; Infinity: each statement's own limit alone. */
  deadlineMs: number;
}

// kysely's driver interface has no place for a call's options; the async context carries them.
const budgets = new AsyncLocalStorage<Budget>();

export const unlimited: Budget = { deadlineMs: Infinity };

export function currentBudget(): Budget {
  return budgets.getStore() ?? unlimited;
}

/** Runs `work`; all queries in it share one `budgetMs` and end when `signal` aborts. An inner budget never outlives an outer one. */
export function withinBudget<R>(call: Call | undefined, work: () => Promise<R>): Promise<R> {
  if (call?.budgetMs === undefined && call?.signal === undefined) return work();
  const outer = currentBudget();
  const own = call.budgetMs === undefined ? Infinity : performance.now() + call.budgetMs;
  const signals = [outer.signal, call.signal].filter((signal) => signal !== undefined);
  const budget: Budget = {
    deadlineMs: Math.min(own, outer.deadlineMs),
    signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
  };
  return budgets.run(budget, work);
}

/** For what goes on after the caller has its answer: its patience ends nothing there. */
export function withoutBudget(work: () => void): void {
  budgets.run(unlimited, work);
}
