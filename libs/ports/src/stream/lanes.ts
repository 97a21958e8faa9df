import { type Timer } from '../clock/clock.js';
import { type OwnedPartition } from './owned-partition.js';
import { type At, type LogEntry } from './stream-driver.js';

/** One event on its way to the handler. */
export interface Item {
  /** Names this very event, also after the backend has lost its tail and given the same sequence to another. */
  readonly key: string;
  readonly at: At;
  readonly entry: LogEntry;
  /** Deliveries begun, as the backend counts them. */
  attempts: number;
  /** Of the view of the backend in which it was last seen. */
  generation: number;
  abort?: AbortController;
}

/**
 * `settling`: what the handler said is on its way, and nothing may pass it. `waiting`: for a retry. `dropped`: it is not
 * the subject's lane any more.
 */
export type LaneState = 'idle' | 'ready' | 'beginning' | 'running' | 'settling' | 'waiting' | 'dropped';

/** A subject's events in order, one at a time with the handler. */
export interface Lane<E> {
  readonly partition: OwnedPartition<E>;
  readonly subject: string;
  readonly items: Item[];
  state: LaneState;
  /** With the handler, or about to be. */
  current: Item | undefined;
  timer: Timer | undefined;
}

/** The lanes of one partition, and what they hold. */
export class Lanes<E> {
  /** Events that are not with a handler. */
  held = 0;
  heldBytes = 0;
  /** Lanes with an event that could be handed out now. */
  ready = 0;
  private readonly bySubject = new Map<string, Lane<E>>();

  constructor(private readonly partition: OwnedPartition<E>) {}

  all(): Lane<E>[] {
    return [...this.bySubject.values()];
  }

  get(subject: string): Lane<E> | undefined {
    return this.bySubject.get(subject);
  }

  open(subject: string): Lane<E> {
    const known = this.bySubject.get(subject);
    if (known) return known;
    const { partition } = this;
    const lane: Lane<E> = { partition, subject, items: [], state: 'idle', current: undefined, timer: undefined };
    this.bySubject.set(subject, lane);
    return lane;
  }

  add(lane: Lane<E>, item: Item, place: 'first' | 'last'): void {
    if (place === 'first') lane.items.unshift(item);
    else lane.items.push(item);
    this.held += 1;
    this.heldBytes += item.entry.payload.length;
  }

  shift(lane: Lane<E>): Item | undefined {
    const item = lane.items.shift();
    if (!item) return undefined;
    this.held -= 1;
    this.heldBytes -= item.entry.payload.length;
    return item;
  }

  enter(lane: Lane<E>, state: LaneState): void {
    if (lane.state === 'ready') this.ready -= 1;
    lane.state = state;
    if (state === 'ready') this.ready += 1;
  }

  dropItems(lane: Lane<E>): void {
    while (this.shift(lane));
  }

  drop(lane: Lane<E>): void {
    lane.timer?.cancel();
    this.dropItems(lane);
    this.enter(lane, 'dropped');
    if (this.bySubject.get(lane.subject) === lane) this.bySubject.delete(lane.subject);
  }
}
