import { crc32 } from 'node:zlib';
import type { QueueShard } from './queue-driver.js';
import type { NewTask, Queue } from './task-queue.js';

const known = new WeakMap<object, readonly QueueShard[]>();

/** @throws RangeError for a queue that is defined wrongly */
export function shardsOf<T>(queue: Queue<T>): readonly QueueShard[] {
  let shards = known.get(queue);
  if (!shards) {
    check(queue);
    shards = Array.from({ length: queue.shards }, (_, shard) => ({
      queue: queue.name,
      shard,
      leaseMs: queue.leaseMs,
      attempts: queue.attempts,
      dedupeMs: queue.dedupeMs,
      keepDead: { ...queue.keepDead },
      maxBytes: Math.floor(queue.maxBytes / queue.shards),
    }));
    known.set(queue, shards);
  }
  return shards;
}

/** The same key always meets itself: it decides the shard. */
export function shardIndex(task: Pick<NewTask<unknown>, 'dedupeKey'> & { id: string }, shards: number): number {
  return shards === 1 ? 0 : crc32(task.dedupeKey ?? task.id) % shards;
}

function check<T>(queue: Queue<T>): void {
  const whole = (what: string, value: number, least: number) => {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new RangeError(`queue ${queue.name}: ${what} is ${value}, not an integer of at least ${least}`);
    }
  };
  if (!queue.name) throw new RangeError('a queue has no name');
  whole('shards', queue.shards, 1);
  whole('leaseMs', queue.leaseMs, 10);
  whole('attempts', queue.attempts, 1);
  whole('dedupeMs', queue.dedupeMs, 0);
  whole('keepDead.count', queue.keepDead.count, 0);
  whole('keepDead.ageMs', queue.keepDead.ageMs, 0);
  whole('maxBytes', queue.maxBytes, 0);
  whole('backoff.firstMs', queue.backoff.firstMs, 0);
  whole('backoff.maxMs', queue.backoff.maxMs, 0);
  const { jitter } = queue.backoff;
  if (!(jitter >= 0 && jitter <= 1))
    throw new RangeError(`queue ${queue.name}: backoff.jitter is ${jitter}, not 0 to 1`);
}
