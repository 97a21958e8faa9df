import { key, type Tag, tag } from '../keys/key.js';

/**
 * The keys of one partition, `rs:stream:{<stream>.<partition>}:…`: all in one slot, so that an append, or what an owner
 * reports, is one step. They live and die together: who deletes one by hand deletes all. Owner: this folder's scripts.
 */
export interface PartitionKeys {
  /**
   * STREAM of the events: id `<sequence>-<ms>`, fields `s` subject, `i` event id, `c` schema, `d` payload. Sequences are
   * dense from 1. No TTL: bounded by the stream's cap.
   */
  log: string;
  /**
   * HASH `inc` incarnation, `first` (oldest retained), `last`, `bytes`, and `p:<producer>` its last position. No TTL:
   * bounded by the number of producers.
   */
  meta: string;
  /** SET of ids of events in `log` that no producer numbers. No TTL: bounded by the cap. */
  ids: string;
  /** HASH group → all up to this sequence is acknowledged. No TTL: bounded by the number of groups. */
  groups: string;
  /** The sharded channel that is rung when something is written (empty message) or resumed (`resumed`). No key. */
  bell: string;
}

export function partitionKeys(stream: string, partition: number): PartitionKeys {
  const of = partitionTag(stream, partition);
  return {
    log: key('stream', of, 'log'),
    meta: key('stream', of, 'meta'),
    ids: key('stream', of, 'ids'),
    groups: key('stream', of, 'groups'),
    bell: key('stream', of, 'bell'),
  };
}

/** What one group has in one partition; in the slot of `partitionKeys`. Owner: this folder's scripts. */
export interface GroupKeys {
  /**
   * HASH `inc` (of the log it stands in), `owner`, `until` (end of its lease, ms), `fence`, `lost` (trimmed before it was
   * acknowledged), `parked` (events), `parkedBytes`. No TTL: bounded, seven fields.
   */
  state: string;
  /** HASH sequence → deliveries begun, 0 acknowledged. No TTL: bounded by how far an owner reads ahead (10,000). */
  open: string;
  /**
   * HASH of subjects that are set aside: `s<subject>` → `<index of its first event> <index after its last>`,
   * `e<index> <subject>` → the event (msgpack), `t<subject>` → deliveries of the first one since it was resumed. No TTL:
   * bounded by a partition's share of the stream's cap; what is set aside must not vanish.
   */
  parking: string;
  /** ZSET of subjects that wait to be resumed, by when they were set aside (µs). No TTL: bounded by `parking`. */
  aside: string;
  /** ZSET of subjects that were resumed and still have events in `parking`, by when (µs). No TTL: bounded by `parking`. */
  resumed: string;
}

export function groupKeys(stream: string, partition: number, group: string): GroupKeys {
  const of = partitionTag(stream, partition);
  return {
    state: key('stream', of, 'group', group, 'state'),
    open: key('stream', of, 'group', group, 'open'),
    parking: key('stream', of, 'group', group, 'parking'),
    aside: key('stream', of, 'group', group, 'aside'),
    resumed: key('stream', of, 'group', group, 'resumed'),
  };
}

/** Who consumes, over all partitions; in a slot of its own. Owner: this folder's scripts. */
export interface MemberKeys {
  /** ZSET of consumers by when they count as dead (ms). TTL: until the last one does. */
  members: string;
  /** The sharded channel that is rung when members or owners change. No key. */
  memberBell: string;
}

export function memberKeys(stream: string, group: string): MemberKeys {
  const of = tag(stream);
  return {
    members: key('stream', of, 'members', group),
    memberBell: key('stream', of, 'members', group, 'bell'),
  };
}

function partitionTag(stream: string, partition: number): Tag {
  if (stream === '') throw new RangeError('the name of a stream is empty');
  return tag(`${stream}.${partition}`);
}
