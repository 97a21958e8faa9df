import type { Call, Codec, Running } from '../call/call.js';

/** A queue of tasks. Define it once, as a constant. */
export interface Queue<T> {
  name: string;
  codec: Codec<T>;
  /** Fixed. FIFO holds within a shard; 1 unless one server is not enough. */
  shards: number;
  /** How long a task is held without a sign of life before another worker takes it over. */
  leaseMs: number;
  /** Deliveries before a task is dead. */
  attempts: number;
  /** Full jitter: a random wait up to min(maxMs, firstMs × 2^(attempt − 1)), `jitter` being the random share (0 to 1). */
  backoff: { firstMs: number; maxMs: number; jitter: number };
  /** How long an enqueued `dedupeKey` answers `duplicate` after its task is done or dead. */
  dedupeMs: number;
  /** Bound of the dead letters: the oldest go first. */
  keepDead: { count: number; ageMs: number };
  /** Payload bytes held in all; beyond, `enqueue` answers `full`. */
  maxBytes: number;
}

export interface NewTask<T> {
  payload: T;
  /** Default: a UUIDv7. */
  id?: string;
  /** While a task of the same key is known (waiting, delayed, active, or ended less than `dedupeMs` ago): `duplicate`. */
  dedupeKey?: string;
  delayMs?: number;
}

/** `duplicate`: `id` is the first task's. */
export type Enqueued = { status: 'queued' | 'duplicate'; id: string } | { status: 'full' };

export interface Task<T> {
  readonly id: string;
  readonly payload: T;
  /** From 1. */
  readonly attempt: number;
  /** Aborts when the lease is lost, or at the shutdown's deadline. */
  readonly signal: AbortSignal;
}

/** What a handler says of its task. A throw is `retry` with backoff. `countAttempt: false` burns no attempt. */
export type Verdict = 'done' | { retryInMs: number; countAttempt?: boolean } | { dead: string };

export interface QueueStats {
  waiting: number;
  delayed: number;
  active: number;
  dead: number;
  /** Payload bytes held by waiting, delayed and active tasks. */
  bytes: number;
  oldestWaitingMs: number;
}

export interface DeadLetter<T> {
  id: string;
  /** Undefined when the payload does not decode. */
  payload: T | undefined;
  attempts: number;
  /** What the handler said or threw last. */
  reason: string;
  /** Epoch milliseconds. */
  diedAt: number;
}

/** At-least-once work: a task is never lost between two commands, and may run again when its holder dies. */
export abstract class TaskQueue {
  /** One answer a task, in order. Atomic per shard: all of a shard's tasks are accepted, or `full` for all of them. */
  abstract enqueue<T>(queue: Queue<T>, tasks: readonly NewTask<T>[], call?: Call): Promise<Enqueued[]>;

  /**
   * Runs `handle` for up to `concurrency` tasks at once until stopped. Leases are renewed while handlers run. A backend
   * outage pauses it; it goes on by itself, ramping up. A late verdict of a worker that lost its lease is refused.
   */
  abstract work<T>(
    queue: Queue<T>,
    handle: (task: Task<T>) => Promise<Verdict>,
    options: { concurrency: number; onFault?: (error: unknown) => void },
  ): Running;

  abstract stats<T>(queue: Queue<T>, call?: Call): Promise<QueueStats>;

  /** Newest first. */
  abstract deadLetters<T>(queue: Queue<T>, options: Call & { limit: number }): Promise<DeadLetter<T>[]>;

  /** Puts dead letters back to work with all their attempts. Answers how many were found. */
  abstract replayDead<T>(queue: Queue<T>, ids: readonly string[], call?: Call): Promise<number>;
}
