import { key, tag, type Tag } from '../keys/key.js';

/**
 * The keys of one shard, `rs:queue:{<queue>.<shard>}:…`: all in one slot. Owner: this folder's scripts. A task's record is
 * `<number>|<burned attempts>|<bytes of id>|<bytes of dedupe field>|<id><dedupe field><body>`; its number is new each
 * time that it begins to wait, and is the token of the delivery that follows. Priorities would be further waiting
 * lists, groups a waiting list each and one of the groups that have tasks.
 */
export interface QueueKeys {
  /** HASH `last` (number given), `bytes` (held). No TTL: two fields. */
  meta: string;
  /** LIST of records, the next one at the left. No TTL: bounded by the queue's `maxBytes`. */
  waiting: string;
  /** ZSET of records by due instant (ms). No TTL: bounded by `maxBytes`. */
  delayed: string;
  /** ZSET of tokens by the end of their leases (ms). No TTL: bounded by what workers hold; ended ones are taken back. */
  leases: string;
  /** HASH token → record. No TTL: the same members as `leases`. */
  active: string;
  /** ZSET of ids by death (ms). No TTL: bounded by `keepDead`. */
  dead: string;
  /** HASH id → `<died at>|<attempts>|<bytes of reason>|<reason><record>`. No TTL: the same members as `dead`. */
  letters: string;
  /** HASH dedupe field (`k<key>` or `i<id>`) → first id. No TTL: the fields of live tasks, and those in `forget`. */
  known: string;
  /** ZSET of dedupe fields of ended tasks by the instant (ms) from which they are unknown. No TTL: bounded by what ends in `dedupeMs`; swept as tasks end. */
  forget: string;
  /** The sharded channel that is rung when a task waits. No key. */
  bell: string;
}

export function queueKeys(queue: string, shard: number): QueueKeys {
  const of = shardTag(queue, shard);
  return {
    meta: key('queue', of, 'meta'),
    waiting: key('queue', of, 'waiting'),
    delayed: key('queue', of, 'delayed'),
    leases: key('queue', of, 'leases'),
    active: key('queue', of, 'active'),
    dead: key('queue', of, 'dead'),
    letters: key('queue', of, 'letters'),
    known: key('queue', of, 'known'),
    forget: key('queue', of, 'forget'),
    bell: key('queue', of, 'bell'),
  };
}

/**
 * STRING `<turn>|<token> <token> …`: what one worker's last exchange took, to deliver again when its reply was lost. TTL:
 * the lease, a minute at least.
 */
export function takenKey(queue: string, shard: number, worker: string): string {
  return key('queue', shardTag(queue, shard), 'taken', worker);
}

function shardTag(queue: string, shard: number): Tag {
  if (queue === '') throw new RangeError('the name of a queue is empty');
  return tag(`${queue}.${shard}`);
}
