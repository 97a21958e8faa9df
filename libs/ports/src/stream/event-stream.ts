import type { Call, Codec, Running } from '../call/call.js';

/** A stream of events. Define it once, as a constant. */
export interface Stream<E> {
  name: string;
  codec: Codec<E>;
  /** Fixed: changing it is a drained migration. A subject's events stay in one partition. */
  partitions: number;
  subject(event: E): string;
  eventId(event: E): string;
  /**
   * Bounds of the whole stream; a partition has its even share of `bytes`. `refuse`: at the bound only what every
   * registered group has acknowledged makes room, then `append` answers `full`. `trim`: the oldest go, acknowledged or
   * not, and are counted.
   */
  cap: { bytes: number; ageMs: number; when: 'refuse' | 'trim' };
}

/** `<incarnation>.<partition>.<id>`: where a reader stands. Another incarnation: the backend lost the stream meanwhile. */
export type Cursor = string & { readonly cursor: unique symbol };

export type Appended =
  | { status: 'appended'; written: number; duplicates: number }
  | { status: 'full'; retryAfterMs: number }
  /** `expected`: the position that the partition wants next from this producer. */
  | { status: 'gap'; expected: number };

/**
 * A producer that numbers its events per partition 1, 2, 3 …: lower positions are dropped as duplicates, a hole is
 * refused as `gap`. `base: true` lets a partition that holds nothing of this producer begin at `firstPosition`; only
 * for a producer that has just read `lastPosition` 0.
 */
export interface Sequenced {
  producer: string;
  partition: number;
  firstPosition: number;
  base?: boolean;
}

export interface Delivered<E> {
  readonly event: E;
  readonly cursor: Cursor;
  readonly partition: number;
  readonly subject: string;
  /** From 1. Counted before the handler starts, so a handler that kills its process counts too. */
  readonly attempt: number;
  /** Of the partition's owner; higher for each later owner. */
  readonly ownerFence: number;
  /** Aborts when ownership is lost, or at the shutdown's deadline. */
  readonly signal: AbortSignal;
}

/**
 * A throw is a retry with backoff. Every delivery counts, also one that asked for `retryInMs`. `park` sets the event's
 * subject aside at once; the value is the reason.
 */
export type Handled = 'done' | { retryInMs: number } | { park: string };

export interface Consume extends Call {
  /** Names this process among the group's consumers; unique per process. */
  consumer: string;
  /** Where a group that does not exist yet begins. Default `beginning`. */
  startAt?: 'beginning' | 'end';
  /** Subjects handled at once. Default 16. Events of one subject never overlap and keep their order. */
  concurrency?: number;
  /** Deliveries before the subject is parked. */
  attempts: number;
  /** Between deliveries after a throw: a random wait up to min(maxMs, firstMs × 2^(attempt − 1)). Default 100 ms, 30 s. */
  backoff?: { firstMs: number; maxMs: number };
  /** A partition whose owner gave no sign of life for so long is taken over. */
  takeoverMs: number;
  onFault?: (error: unknown) => void;
}

export interface GroupState {
  group: string;
  /** Messages not yet delivered to the group. */
  lag: number;
  /** Age of the oldest one not yet acknowledged; 0: none. */
  lagMs: number;
  /** Delivered, not yet acknowledged. */
  pending: number;
  /** Events set aside. */
  parked: number;
  /** Entries that were trimmed before they were acknowledged. Above 0 is an alert. */
  lostToTrim: number;
  /** Consumer by partition. */
  owners: Record<number, string>;
}

export interface Parked<E> {
  partition: number;
  subject: string;
  /** Undefined when the payload does not decode. */
  event: E | undefined;
  attempts: number;
  reason: string;
  /** Epoch milliseconds. */
  parkedAt: number;
}

/** A durable log in partitions, read by consumer groups, each event at least once and in order of its subject. */
export abstract class EventStream {
  /**
   * Atomic within a partition. Unsequenced events go to the partition of their subject and are known by their id while
   * the stream holds them. So a second append of the same events, sequenced or not, writes nothing. Where events of
   * several partitions are given and one is full, the others may have been written: the same call again completes it.
   * @throws TooLargeFault for an event over the adapter's limit; nothing is written then.
   */
  abstract append<E>(
    stream: Stream<E>,
    events: readonly E[],
    options?: Call & { sequenced?: Sequenced },
  ): Promise<Appended>;

  /** The producer's last position in the partition; 0: none, also after the backend lost it. */
  abstract lastPosition<E>(stream: Stream<E>, producer: string, partition: number, call?: Call): Promise<number>;

  /** The partition of a subject: the same on every adapter and for ever. */
  abstract partitionOf<E>(stream: Stream<E>, subject: string): number;

  /**
   * Handles events until stopped. Each partition has one owner in the group at a time, leased and fenced; owners share
   * partitions evenly. Acknowledged after the handler. An outage, a flush or a restart of the backend pauses it; it
   * goes on by itself from what the backend still has.
   */
  abstract consume<E>(
    stream: Stream<E>,
    group: string,
    handle: (delivered: Delivered<E>) => Promise<Handled>,
    options: Consume,
  ): Running & { readonly owned: ReadonlySet<number> };

  /**
   * From after the cursor (default: the beginning), in order, to the end. `gap`: what followed the cursor is gone
   * (trimmed, or lost by the backend); reading goes on with the oldest that is there. Events that do not decode are
   * passed over. `budgetMs` is of each fetch.
   */
  abstract read<E>(
    stream: Stream<E>,
    options: Call & { after?: Cursor; partition: number; limit?: number },
  ): AsyncIterable<{ event: E; cursor: Cursor } | { gap: true }>;

  abstract groups<E>(stream: Stream<E>, call?: Call): Promise<GroupState[]>;

  /** Events set aside with their subject, oldest first. */
  abstract parked<E>(stream: Stream<E>, group: string, options: Call & { limit: number }): Promise<Parked<E>[]>;

  /**
   * Hands a subject's parked events to the group again, in order, with all their attempts, before its later ones.
   * Answers how many; 0 when nothing of it is parked.
   */
  abstract resume<E>(stream: Stream<E>, group: string, subject: string, call?: Call): Promise<number>;

  /**
   * Drops what every registered group has acknowledged, down to `keep` entries a partition. Answers how many. A group
   * is registered by its first `consume`; where there is none, nothing is dropped.
   */
  abstract trim<E>(stream: Stream<E>, options: Call & { keep: number }): Promise<number>;
}
