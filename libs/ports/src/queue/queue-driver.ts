import type { Call } from '../call/call.js';
import type { Enqueued, QueueStats } from './task-queue.js';

/** One shard of a queue, with the rules that a backend must know. */
export interface QueueShard {
  queue: string;
  shard: number;
  leaseMs: number;
  attempts: number;
  dedupeMs: number;
  keepDead: { count: number; ageMs: number };
  /** Of this shard. */
  maxBytes: number;
}

export interface TaskRecord {
  id: string;
  /** What is deduplicated: nothing, the id, or a key. */
  dedupe: 'none' | 'id' | { key: string };
  body: Uint8Array;
  /** 0: at once. */
  delayMs: number;
}

/** What becomes of a task that a worker holds. `token` names the delivery, not the task: one that was taken over is refused. */
export type Settlement =
  | { token: string; verdict: 'done' }
  /** Waits `inMs`; with `count`, an attempt is burned. Whether one is left is for the caller to know. */
  | { token: string; verdict: 'retry'; inMs: number; count: boolean }
  | { token: string; verdict: 'dead'; reason: string }
  /** Back to the head of the queue, as if it had not been taken. */
  | { token: string; verdict: 'release' };

export interface Exchange {
  /** Of one worker in one shard; no two share it. */
  worker: string;
  /** Number of this exchange of the worker's, from 1, higher each time, also after a fault. */
  turn: number;
  /** The last turn whose reply the worker has. Tasks that a later one took are delivered again, their reply was lost. */
  received: number;
  /** At most 1,000. */
  settle: readonly Settlement[];
  /** How many tasks to take, at most 1,000. */
  want: number;
}

export interface TakenTask {
  token: string;
  id: string;
  /** From 1. */
  attempt: number;
  body: Uint8Array;
}

export interface Exchanged {
  /** Tokens whose settlement was refused: settled before, taken over, or forgotten by the backend. */
  refused: readonly string[];
  taken: readonly TakenTask[];
  /** When fewer were taken than wanted: milliseconds until a task is due or a lease ends; 0 where there are more now. */
  nextDueMs: number | undefined;
}

export interface DeadRecord {
  id: string;
  body: Uint8Array;
  attempts: number;
  reason: string;
  diedAt: number;
}

/**
 * What an adapter implements. Each call is one atomic step on one shard, within its budget, and is safe to repeat after
 * a fault with effect `unknown` (`enqueue`: for tasks that are deduplicated).
 *
 * A token is issued once: each time that a task begins to wait it gets a new number, higher than all before, also
 * after the backend has forgotten everything (from its clock, in µs).
 */
export abstract class QueueDriver {
  /** All of the tasks that are new, or `full` for all of them. One answer a task, in order. Rings the bell. */
  abstract enqueue(shard: QueueShard, tasks: readonly TaskRecord[], call?: Call): Promise<Enqueued[]>;

  /**
   * In this order: settles; takes back tasks whose lease has ended, at the head and with an attempt burned, or dead when
   * none is left; moves delayed tasks that are due to the tail; takes up to `want` from the head under a new lease.
   * Runs also when the backend is full. An exchange whose turn is not higher than the last one seen settles only.
   */
  abstract exchange(shard: QueueShard, exchange: Exchange, call?: Call): Promise<Exchanged>;

  /** Leases of these tokens end `leaseMs` from now. Answers those that are lost. Runs also when the backend is full. */
  abstract renew(shard: QueueShard, tokens: readonly string[], call?: Call): Promise<readonly string[]>;

  abstract stats(shard: QueueShard, call?: Call): Promise<QueueStats>;

  /** Newest first. */
  abstract deadLetters(shard: QueueShard, limit: number, call?: Call): Promise<readonly DeadRecord[]>;

  abstract replayDead(shard: QueueShard, ids: readonly string[], call?: Call): Promise<number>;

  /**
   * Calls `onBell` when a task begins to wait in an empty shard, or is due before all others. At most once a ring, and
   * rings are lost in an outage: workers look by themselves each second. Answers how to stop.
   */
  abstract listen(shard: QueueShard, onBell: () => void): () => void;
}
