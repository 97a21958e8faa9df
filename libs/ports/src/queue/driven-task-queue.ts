import { randomUUIDv7 } from 'node:crypto';
import { BackendFault, ClosedFault, TooLargeFault, UnavailableFault } from '../call/backend-fault.js';
import type { Call, Running } from '../call/call.js';
import type { Clock } from '../clock/clock.js';
import type { QueueDriver, TaskRecord } from './queue-driver.js';
import { shardIndex, shardsOf } from './queue-shards.js';
import { QueueWorker } from './queue-worker.js';
import { decodeBody, encodeBody } from './task-body.js';
import {
  type DeadLetter,
  type Enqueued,
  type NewTask,
  type Queue,
  type QueueStats,
  type Task,
  TaskQueue,
  type Verdict,
} from './task-queue.js';

export interface DrivenTaskQueueSettings {
  clock: Clock;
  /** Default budget of a call. */
  timeoutMs: number;
  /** Bytes of the largest payload. Default 1 MiB. */
  maxValueBytes?: number;
  /** Told of what nobody awaits, where a worker has no `onFault` of its own. */
  onFault?: (error: unknown) => void;
  /** From 0 (inclusive) to 1 (exclusive). Default `Math.random`. */
  random?: () => number;
}

const ONE_MIB = 1024 * 1024;
const MOST_LETTERS = 1000;

/** What a queue does above its driver: codecs, shards, workers. Written once for every backend. */
export class DrivenTaskQueue extends TaskQueue {
  private readonly workers = new Set<{ halt(): void }>();
  private closed = false;

  constructor(
    private readonly driver: QueueDriver,
    private readonly settings: DrivenTaskQueueSettings,
  ) {
    super();
  }

  async enqueue<T>(queue: Queue<T>, tasks: readonly NewTask<T>[], call?: Call): Promise<Enqueued[]> {
    this.refuseClosed('queue.enqueue');
    const shards = shardsOf(queue);
    const records = tasks.map((task) => this.recordOf(queue, task));
    if (records.length === 0) return [];
    const [only] = shards;
    if (shards.length === 1 && only) return this.driver.enqueue(only, records, call);

    const places = tasks.map((task, index) =>
      shardIndex(
        { id: records[index]!.id, ...(task.dedupeKey === undefined ? {} : { dedupeKey: task.dedupeKey }) },
        shards.length,
      ),
    );
    const answers: Enqueued[] = new Array<Enqueued>(tasks.length);
    const outcomes = await Promise.allSettled(
      [...new Set(places)].map(async (place) => {
        const indexes = places.flatMap((at, index) => (at === place ? [index] : []));
        const part = indexes.map((index) => records[index]!);
        const answered = await this.driver.enqueue(shards[place]!, part, call);
        indexes.forEach((index, nth) => (answers[index] = answered[nth]!));
      }),
    );
    refusePart(outcomes);
    return answers;
  }

  work<T>(
    queue: Queue<T>,
    handle: (task: Task<T>) => Promise<Verdict>,
    options: { concurrency: number; onFault?: (error: unknown) => void },
  ): Running {
    this.refuseClosed('queue.work');
    const { clock, timeoutMs } = this.settings;
    const worker = new QueueWorker<T>({
      queue,
      shards: shardsOf(queue),
      driver: this.driver,
      handle,
      concurrency: options.concurrency,
      clock,
      timeoutMs,
      random: this.settings.random ?? Math.random,
      onFault: options.onFault ?? this.settings.onFault ?? (() => undefined),
      onEnd: () => this.workers.delete(worker),
    });
    this.workers.add(worker);
    worker.begin();
    return worker;
  }

  async stats<T>(queue: Queue<T>, call?: Call): Promise<QueueStats> {
    this.refuseClosed('queue.stats');
    const shards = await Promise.all(shardsOf(queue).map((shard) => this.driver.stats(shard, call)));
    const sum = (field: keyof QueueStats) => shards.reduce((total, stats) => total + stats[field], 0);
    return {
      waiting: sum('waiting'),
      delayed: sum('delayed'),
      active: sum('active'),
      dead: sum('dead'),
      bytes: sum('bytes'),
      oldestWaitingMs: Math.max(...shards.map((stats) => stats.oldestWaitingMs)),
    };
  }

  async deadLetters<T>(queue: Queue<T>, options: Call & { limit: number }): Promise<DeadLetter<T>[]> {
    this.refuseClosed('queue.deadLetters');
    const { limit: asked, ...call } = options;
    if (!(asked > 0)) return [];
    const limit = Math.min(Math.floor(asked), MOST_LETTERS);
    const shards = await Promise.all(shardsOf(queue).map((shard) => this.driver.deadLetters(shard, limit, call)));
    const newest = shards.flat().sort((a, b) => b.diedAt - a.diedAt);
    return newest.slice(0, limit).map(({ body, ...letter }) => ({ ...letter, payload: payloadOf(queue, body) }));
  }

  async replayDead<T>(queue: Queue<T>, ids: readonly string[], call?: Call): Promise<number> {
    this.refuseClosed('queue.replayDead');
    if (ids.length === 0) return 0;
    // An id alone does not tell its shard: a dedupe key may have decided it.
    const outcomes = await Promise.allSettled(shardsOf(queue).map((shard) => this.driver.replayDead(shard, ids, call)));
    return refusePart(outcomes).reduce((total, found) => total + found, 0);
  }

  /** Ends its workers at once: their handlers are told by their signals, their tasks are taken over when the leases end. */
  close(): void {
    this.closed = true;
    for (const worker of [...this.workers]) worker.halt();
  }

  private recordOf<T>(queue: Queue<T>, task: NewTask<T>): TaskRecord {
    const { id, dedupeKey, delayMs = 0 } = task;
    refuseLength('a task id', id, 256);
    refuseLength('a dedupe key', dedupeKey, 512);
    if (!Number.isSafeInteger(delayMs) || delayMs < 0) throw new RangeError(`delayMs is ${delayMs}`);
    const body = encodeBody(queue.codec, task.payload);
    const limit = this.settings.maxValueBytes ?? ONE_MIB;
    if (body.length > limit) {
      const message = `a payload of ${body.length} bytes is over the limit of ${limit}`;
      throw new TooLargeFault(message, { effect: 'none', operation: 'queue.enqueue' });
    }
    const dedupe = dedupeKey !== undefined ? { key: dedupeKey } : id !== undefined ? 'id' : 'none';
    return { id: id ?? randomUUIDv7(), dedupe, body, delayMs };
  }

  private refuseClosed(operation: string): void {
    if (this.closed) throw new ClosedFault('the adapters were closed', { effect: 'none', operation });
  }
}

/** Several shards, several steps: when one of them failed, what is known of the whole is known of none. */
function refusePart<R>(outcomes: readonly PromiseSettledResult<R>[]): R[] {
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (!failed) return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<R>).value);
  const fault: unknown = failed.reason;
  const untouched = outcomes.every(
    (outcome) =>
      outcome.status === 'rejected' && outcome.reason instanceof BackendFault && outcome.reason.effect === 'none',
  );
  if (untouched || !(fault instanceof BackendFault) || fault.effect === 'unknown') throw fault;
  throw new UnavailableFault('some shards answered, others did not', {
    effect: 'unknown',
    operation: fault.operation,
    cause: fault,
  });
}

function payloadOf<T>(queue: Queue<T>, body: Uint8Array): T | undefined {
  try {
    return decodeBody(queue.codec, body);
  } catch {
    return undefined;
  }
}

function refuseLength(what: string, text: string | undefined, most: number): void {
  if (text === undefined) return;
  const bytes = Buffer.byteLength(text);
  if (bytes < 1 || bytes > most) throw new RangeError(`${what} of ${bytes} bytes: it takes 1 to ${most}`);
}
