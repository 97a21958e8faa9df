import type { Queue } from './task-queue.js';

/**
 * Milliseconds until a task that failed its `attempt`th delivery (1 is the first) is tried again: an exponential bound
 * of which the share `jitter` is random ("Exponential Backoff And Jitter", AWS, 2015; `jitter: 1` is their full jitter).
 */
export function backoffMs(
  backoff: Queue<unknown>['backoff'],
  attempt: number,
  random: () => number = Math.random,
): number {
  const boundMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 40));
  return Math.round(boundMs * (1 - backoff.jitter * random()));
}
