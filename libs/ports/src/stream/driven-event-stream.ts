import { AbortedFault, BackendFault, ClosedFault, TooLargeFault, UnavailableFault } from '../call/backend-fault.js';
import { type Call, type Running } from '../call/call.js';
import { type Clock } from '../clock/clock.js';
import { cursorAt, positionOf } from './cursor.js';
import {
  type Appended,
  type Consume,
  type Cursor,
  type Delivered,
  EventStream,
  type GroupState,
  type Handled,
  type Parked,
  type Sequenced,
  type Stream,
} from './event-stream.js';
import { partitionOf } from './partition-of.js';
import { StreamConsumer } from './stream-consumer.js';
import { type NewEntry, type PartitionAppended, type PartitionAt, type StreamDriver } from './stream-driver.js';

export interface DrivenEventStreamSettings {
  clock: Clock;
  /** Bytes of the largest encoded event. Default 1 MiB. */
  maxEventBytes?: number;
  /** Told of a consumer's faults where `Consume.onFault` is not given. */
  onFault?: (error: unknown) => void;
}

const ONE_MIB = 1024 * 1024;
const READ_BATCH = 200;
const FULL_RETRY_MS = 1000;

/** What needs no backend: encoding, partitions, cursors, and (in `StreamConsumer`) the life of a consumer. */
export class DrivenEventStream extends EventStream {
  private readonly consumers = new Set<Running>();
  private closed = false;

  constructor(
    private readonly driver: StreamDriver,
    private readonly settings: DrivenEventStreamSettings,
  ) {
    super();
  }

  async append<E>(
    stream: Stream<E>,
    events: readonly E[],
    options: Call & { sequenced?: Sequenced } = {},
  ): Promise<Appended> {
    this.enter('stream.append', options);
    const { sequenced, ...call } = options;
    const byPartition = new Map<number, NewEntry[]>();
    for (const event of events) {
      const entry = this.encode(stream, event);
      const partition = sequenced?.partition ?? partitionOf(entry.subject, stream.partitions);
      const entries = byPartition.get(partition);
      if (entries) entries.push(entry);
      else byPartition.set(partition, [entry]);
    }
    const answers = await Promise.allSettled(
      [...byPartition].map(([partition, entries]) =>
        this.driver.append(
          partitionAt(stream, partition),
          {
            entries,
            maxBytes: bytesOfPartition(stream),
            maxAgeMs: stream.cap.ageMs,
            whenFull: stream.cap.when,
            ...(sequenced && { sequenced: { ...sequenced, base: sequenced.base ?? false } }),
          },
          call,
        ),
      ),
    );
    return together(answers);
  }

  async lastPosition<E>(stream: Stream<E>, producer: string, partition: number, call?: Call): Promise<number> {
    this.enter('stream.lastPosition', call);
    return this.driver.lastPosition(partitionAt(stream, partition), producer, call);
  }

  partitionOf<E>(stream: Stream<E>, subject: string): number {
    return partitionOf(subject, stream.partitions);
  }

  consume<E>(
    stream: Stream<E>,
    group: string,
    handle: (delivered: Delivered<E>) => Promise<Handled>,
    options: Consume,
  ): Running & { readonly owned: ReadonlySet<number> } {
    this.enter('stream.consume');
    const consumer = new StreamConsumer<E>({
      driver: this.driver,
      clock: this.settings.clock,
      stream,
      group,
      handle,
      options: { onFault: this.settings.onFault, ...options },
      maxParkedBytes: bytesOfPartition(stream),
      onStopped: () => this.consumers.delete(consumer),
    });
    this.consumers.add(consumer);
    consumer.start();
    return consumer;
  }

  async *read<E>(
    stream: Stream<E>,
    options: Call & { after?: Cursor; partition: number; limit?: number },
  ): AsyncGenerator<{ event: E; cursor: Cursor } | { gap: true }> {
    this.enter('stream.read', options);
    const { after, partition, limit = Infinity, ...call } = options;
    const from = after === undefined ? undefined : positionOf(after);
    if (from && from.partition !== partition) throw new RangeError(`the cursor is of partition ${from.partition}`);
    const at = partitionAt(stream, partition);
    let incarnation = from?.incarnation;
    let sequence = from?.sequence ?? 0;
    let continuing = from !== undefined;
    for (let left = limit; left > 0;) {
      this.enter('stream.read', options);
      const log = await this.driver.read(at, { after: sequence, limit: Math.min(left, READ_BATCH) }, call);
      const anotherLog = incarnation !== undefined && incarnation !== log.incarnation;
      if (anotherLog || sequence > log.last || (continuing && log.first > sequence + 1)) {
        yield { gap: true };
        incarnation = log.incarnation;
        continuing = false;
        sequence = log.first - 1;
        continue;
      }
      incarnation = log.incarnation;
      for (const entry of log.entries) {
        sequence = entry.sequence;
        continuing = true;
        const event = decoded(stream, entry);
        if (event === undefined) continue;
        left -= 1;
        yield { event: event.event, cursor: cursorAt({ ...entry, incarnation, partition }) };
      }
      if (log.entries.length === 0 || sequence >= log.last) return;
    }
  }

  async groups<E>(stream: Stream<E>, call?: Call): Promise<GroupState[]> {
    this.enter('stream.groups', call);
    const states = new Map<string, GroupState>();
    const answers = await Promise.all(allPartitions(stream).map((at) => this.driver.groups(at, call)));
    answers.forEach((groups, partition) => {
      for (const { group, owner, ...part } of groups) {
        const state = states.get(group) ?? emptyState(group);
        states.set(group, state);
        state.lag += part.lag;
        state.lagMs = Math.max(state.lagMs, part.lagMs);
        state.pending += part.pending;
        state.parked += part.parked;
        state.lostToTrim += part.lostToTrim;
        if (owner !== undefined) state.owners[partition] = owner;
      }
    });
    return [...states.values()].sort((a, b) => (a.group < b.group ? -1 : 1));
  }

  async parked<E>(stream: Stream<E>, group: string, options: Call & { limit: number }): Promise<Parked<E>[]> {
    this.enter('stream.parked', options);
    const { limit, ...call } = options;
    const answers = await Promise.all(
      allPartitions(stream).map(async (at) => {
        const entries = await this.driver.parked(at, group, limit, call);
        return entries.map((entry) => ({
          partition: at.partition,
          subject: entry.subject,
          event: decoded(stream, entry)?.event,
          attempts: entry.attempts,
          reason: entry.reason,
          parkedAt: entry.parkedAt,
        }));
      }),
    );
    // Oldest first, a subject's events together and in their order.
    const bySubject = new Map<string, Parked<E>[]>();
    for (const event of answers.flat()) {
      const events = bySubject.get(`${event.partition}/${event.subject}`);
      if (events) events.push(event);
      else bySubject.set(`${event.partition}/${event.subject}`, [event]);
    }
    return [...bySubject.values()]
      .sort(([a], [b]) => (a?.parkedAt ?? 0) - (b?.parkedAt ?? 0))
      .flat()
      .slice(0, limit);
  }

  async resume<E>(stream: Stream<E>, group: string, subject: string, call?: Call): Promise<number> {
    this.enter('stream.resume', call);
    // A sequenced producer may have put the subject elsewhere than the hash says.
    const answers = await Promise.all(allPartitions(stream).map((at) => this.driver.resume(at, group, subject, call)));
    return answers.reduce((sum, count) => sum + count, 0);
  }

  async trim<E>(stream: Stream<E>, options: Call & { keep: number }): Promise<number> {
    this.enter('stream.trim', options);
    const { keep, ...call } = options;
    const answers = await Promise.all(allPartitions(stream).map((at) => this.driver.trim(at, keep, call)));
    return answers.reduce((sum, count) => sum + count, 0);
  }

  /** Stops all consumers at once, handing back what they hold. Calls after it reject with `ClosedFault`. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.consumers].map((consumer) => consumer.stop({ deadlineMs: 0 })));
  }

  private enter(operation: string, call?: Call): void {
    if (this.closed) throw new ClosedFault('the adapter was closed', { effect: 'none', operation });
    if (call?.signal?.aborted) {
      throw new AbortedFault('aborted', { effect: 'none', operation, cause: call.signal.reason });
    }
  }

  private encode<E>(stream: Stream<E>, event: E): NewEntry {
    const payload = stream.codec.encode(event);
    const limit = this.settings.maxEventBytes ?? ONE_MIB;
    if (payload.length > limit) {
      const message = `an event of ${payload.length} bytes is over the limit of ${limit}`;
      throw new TooLargeFault(message, { effect: 'none', operation: 'stream.append' });
    }
    return { eventId: stream.eventId(event), subject: stream.subject(event), schema: stream.codec.schema, payload };
  }
}

function partitionAt<E>(stream: Stream<E>, partition: number): PartitionAt {
  if (!Number.isInteger(partition) || partition < 0 || partition >= stream.partitions) {
    throw new RangeError(`stream ${stream.name} has partitions 0 to ${stream.partitions - 1}, not ${partition}`);
  }
  return { stream: stream.name, partition };
}

function allPartitions<E>(stream: Stream<E>): PartitionAt[] {
  return Array.from({ length: stream.partitions }, (_, partition) => ({ stream: stream.name, partition }));
}

function bytesOfPartition<E>(stream: Stream<E>): number {
  return Math.floor(stream.cap.bytes / stream.partitions);
}

function decoded<E>(stream: Stream<E>, entry: NewEntry): { event: E } | undefined {
  if (entry.schema !== stream.codec.schema) return undefined;
  try {
    return { event: stream.codec.decode(entry.payload) };
  } catch {
    return undefined;
  }
}

function emptyState(group: string): GroupState {
  return { group, lag: 0, lagMs: 0, pending: 0, parked: 0, lostToTrim: 0, owners: {} };
}

/** One answer for all partitions. A fault after another partition was written has an unknown effect. */
function together(answers: readonly PromiseSettledResult<PartitionAppended>[]): Appended {
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed) {
    const nothingDone = answers.every(
      (answer) =>
        answer.status === 'rejected' && answer.reason instanceof BackendFault && answer.reason.effect === 'none',
    );
    if (answers.length === 1 || nothingDone) throw failed.reason;
    const message = 'failed for some of the partitions; the same append again completes it';
    throw new UnavailableFault(message, { effect: 'unknown', operation: 'stream.append', cause: failed.reason });
  }
  const total = { status: 'appended' as const, written: 0, duplicates: 0 };
  let full = false;
  for (const answer of answers) {
    if (answer.status === 'rejected') continue;
    if (answer.value.status === 'gap') return answer.value;
    if (answer.value.status === 'full') full = true;
    else {
      total.written += answer.value.written;
      total.duplicates += answer.value.duplicates;
    }
  }
  return full ? { status: 'full', retryAfterMs: FULL_RETRY_MS } : total;
}
