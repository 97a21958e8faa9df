import type { Call, Codec, Running } from '../call/call.js';

/** A queue of tasks. Define it once, as a constant. */
export interface Queue<T> {
  name: string;
  codec: Codec<T>;
  /** Fixed: changing it is a drained migration. FIFO holds within a shard; 1 unless one server is not enough. */
  shards: number;
  /** How long a task is held without a sign of life before another worker takes it over. */
  leaseMs: number;
  /** Deliveries before a task is dead. A lease that ran out counts as one. */
  attempts: number;
  /** Full jitter: a random wait up to min(maxMs, firstMs × 2^(attempt − 1)), `jitter` being the random share (0 to 1). */
  backoff: { firstMs: number; maxMs: number; jitter: number };
  /** How long a dedupe key (or a given id) still answers `duplicate` after its task is done or dead. */
  dedupeMs: number;
  /** Bound of each shard's dead letters: the oldest go first. */
  keepDead: { count: number; ageMs: number };
  /** Bytes that waiting, delayed and active tasks may take, an equal part for each shard; beyond, `enqueue` answers `full`. */
  maxBytes: number;
}

export interface NewTask<T> {
  payload: T;
  /**
   * Default: a UUIDv7. An id given without a `dedupeKey` is one: to enqueue again after a fault with effect `unknown`
   * is safe. 1 to 256 bytes of UTF-8.
   */
  id?: string;
  /**
   * While a task of the same key is known (waiting, delayed, active, or ended less than `dedupeMs` ago): `duplicate`.
   * 1 to 512 bytes of UTF-8.
   */
  dedupeKey?: string;
  /** Not handled before. Tasks become due in the order of their instants. */
  delayMs?: number;
}

/** `duplicate`: `id` is the first task's. */
export type Enqueued = { status: 'queued' | 'duplicate'; id: string } | { status: 'full' };

export interface Task<T> {
  readonly id: string;
  readonly payload: T;
  /** From 1. */
  readonly attempt: number;
  /** Aborts when the lease is lost (`TaskLeaseLostError`), before another can hold it, or at the shutdown's deadline. */
  readonly signal: AbortSignal;
}

/**
 * What a handler says of its task. A throw is `retryInMs` by the queue's backoff. `countAttempt: false` burns no attempt.
 * A retry that has no attempt left is dead, with the throw's message as its reason.
 */
export type Verdict = 'done' | { retryInMs: number; countAttempt?: boolean } | { dead: string };

export interface QueueStats {
  waiting: number;
  delayed: number;
  active: number;
  dead: number;
  /** Held by waiting, delayed and active tasks: payload and its schema's name, id, dedupe key. */
  bytes: number;
  /** How long the task at the head has been waiting; 0 when none is. */
  oldestWaitingMs: number;
}

export interface DeadLetter<T> {
  id: string;
  /** Undefined when the payload does not decode. */
  payload: T | undefined;
  /** Deliveries it took. */
  attempts: number;
  /** What the handler said or threw last; at most 1,000 characters. */
  reason: string;
  /** Epoch milliseconds. */
  diedAt: number;
}

/**
 * At-least-once work: a task is never lost between two steps, and may run again when its holder dies or loses its lease.
 * FIFO within a shard, for tasks that are neither delayed nor retried.
 */
export abstract class TaskQueue {
  /**
   * One answer a task, in order. Atomic per shard: all of a shard's tasks are accepted, or `full` for all of them.
   * @throws RangeError for an id, key or delay outside its bounds
   * @throws BackendFault; effect `unknown`: some of the tasks may be queued. `FullFault`: the server is out of memory
   */
  abstract enqueue<T>(queue: Queue<T>, tasks: readonly NewTask<T>[], call?: Call): Promise<Enqueued[]>;

  /**
   * Runs `handle` for up to `concurrency` tasks at once until stopped. Leases are renewed while handlers run. A backend
   * outage pauses it; it goes on by itself, ramping up. A late verdict of a worker that lost its lease is refused.
   * While handlers are quick a few tasks are held ready, under renewed leases; they go back if they are not begun soon.
   * `onFault` is told of what nobody awaits: a backend's fault, a handler's throw, a lost lease.
   */
  abstract work<T>(
    queue: Queue<T>,
    handle: (task: Task<T>) => Promise<Verdict>,
    options: { concurrency: number; onFault?: (error: unknown) => void },
  ): Running;

  abstract stats<T>(queue: Queue<T>, call?: Call): Promise<QueueStats>;

  /** Newest first; at most 1,000. */
  abstract deadLetters<T>(queue: Queue<T>, options: Call & { limit: number }): Promise<DeadLetter<T>[]>;

  /**
   * Puts dead letters back to work with all their attempts, in the order given, also beyond `maxBytes`. Answers how many
   * were found.
   */
  abstract replayDead<T>(queue: Queue<T>, ids: readonly string[], call?: Call): Promise<number>;
}
