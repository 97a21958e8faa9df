import { type Call } from '../call/call.js';

/** One partition of one stream. A call that names it is atomic within it. */
export interface PartitionAt {
  stream: string;
  partition: number;
}

export interface NewEntry {
  eventId: string;
  subject: string;
  schema: string;
  payload: Uint8Array;
}

export interface AppendBatch {
  entries: readonly NewEntry[];
  /** Bounds of this partition. */
  maxBytes: number;
  maxAgeMs: number;
  whenFull: 'refuse' | 'trim';
  sequenced?: { producer: string; firstPosition: number; base: boolean };
}

export type PartitionAppended =
  | { status: 'appended'; written: number; duplicates: number }
  | { status: 'full' }
  | { status: 'gap'; expected: number };

/** Sequences are dense from 1 within an incarnation of the partition, so counts are differences. */
export interface LogEntry extends NewEntry {
  sequence: number;
  /** Epoch milliseconds, by the backend's clock. */
  writtenAt: number;
}

export interface PartitionLog {
  /** Another one after the backend lost the partition. Empty: there is nothing. */
  incarnation: string;
  /** The oldest retained; `last + 1` when none is. */
  first: number;
  /** The last ever written, 0: none. */
  last: number;
  /** After the sequence asked for, in order. */
  entries: LogEntry[];
}

export interface Member {
  consumer: string;
  /** Until it counts as dead unless it joins again. */
  remainingMs: number;
}

export type Taken =
  | {
      status: 'taken';
      /** Higher for each later owner, also after the backend lost the group. */
      fence: number;
      /** The fence that was offered still held: nobody else owned the partition meanwhile. */
      continued: boolean;
      incarnation: string;
      /** All up to this sequence is acknowledged. */
      committed: number;
      /** Beyond `committed`: deliveries begun by sequence; 0 where it is acknowledged. */
      open: Map<number, number>;
      /** Subjects that were resumed and still have events in the parking. */
      resumed: number;
    }
  | { status: 'held'; owner: string; remainingMs: number };

/** An event in the log, or the head of a resumed subject in the parking. */
export type At = { sequence: number } | { subject: string; index: number };

/**
 * What an owner reports, applied in the order given. Each may be repeated: `attempt` is what the count becomes, not
 * what is added to it.
 */
export type PartitionStep =
  /** Counts a delivery before it happens. */
  | { kind: 'begin'; at: At; attempt: number }
  /** Not delivered after all: the count goes back to `attempt`. */
  | { kind: 'handBack'; at: At; attempt: number }
  | { kind: 'acknowledge'; at: At }
  /** Copies the event out of the log and acknowledges it there, or sets a resumed subject aside again. */
  | { kind: 'park'; at: At; attempt: number; reason: string };

/**
 * `followed`: the event's subject is set aside, so it was put behind it, and acknowledged. `parkingFull`: nothing was
 * done, the parking has no room. `gone`: the head of the resumed subject is another one.
 */
export type StepOutcome = 'done' | 'followed' | 'parkingFull' | 'gone';

export interface Progress {
  fence: number;
  /** The lease is renewed for so long. */
  leaseMs: number;
  /** Bound of this partition's parking for this group. */
  maxParkedBytes: number;
  steps: readonly PartitionStep[];
}

export type Progressed =
  /** The fence is not the owner's any more, or the backend lost the group: no step was applied. */
  { status: 'lost' } | { status: 'progressed'; outcomes: StepOutcome[]; committed: number; resumed: number };

export interface ResumedEntry extends LogEntry {
  index: number;
  /** Deliveries begun since it was resumed. */
  attempts: number;
}

export interface ParkedEntry extends LogEntry {
  attempts: number;
  reason: string;
  parkedAt: number;
}

export interface PartitionGroup {
  group: string;
  lag: number;
  lagMs: number;
  pending: number;
  parked: number;
  lostToTrim: number;
  owner: string | undefined;
}

export type Bell =
  | { rung: 'appended'; partition: number }
  | { rung: 'resumed'; partition: number }
  /** Members of the group or owners of its partitions changed. */
  | { rung: 'group' }
  /** Bells may have been missed (listening began anew, the backend is back): look for yourself. */
  | { rung: 'missed' };

export interface Listening {
  /** Also hear of this partition. */
  add(partition: number): void;
  remove(partition: number): void;
  close(): void;
}

/**
 * What a backend does for `DrivenEventStream`. Calls end within their budget and reject only with a `BackendFault`.
 * Time, for leases and ages, is the backend's. Values are copied in and out.
 */
export interface StreamDriver {
  /** Rings the partition's bell when something was written. */
  append(at: PartitionAt, batch: AppendBatch, call?: Call): Promise<PartitionAppended>;
  lastPosition(at: PartitionAt, producer: string, call?: Call): Promise<number>;
  /** Changes nothing: anyone may read. */
  read(at: PartitionAt, options: { after: number; limit: number }, call?: Call): Promise<PartitionLog>;

  /** Makes the group if it is not there: at the oldest that is retained, or after the last. */
  register(at: PartitionAt, group: string, startAt: 'beginning' | 'end', call?: Call): Promise<void>;
  /** Counts the consumer as alive for `ttlMs`; answers all that are, in one order for all. Rings when it is new. */
  join(stream: string, group: string, member: { consumer: string; ttlMs: number }, call?: Call): Promise<Member[]>;
  /** Rings. */
  leave(stream: string, group: string, consumer: string, call?: Call): Promise<void>;
  /** Takes a partition that nobody's lease covers, or goes on with it when `fence` is still its owner's. */
  take(
    at: PartitionAt,
    group: string,
    lease: { consumer: string; leaseMs: number; fence?: number },
    call?: Call,
  ): Promise<Taken>;
  /** Renews the lease and applies steps. Goes on when the backend is full. */
  progress(at: PartitionAt, group: string, progress: Progress, call?: Call): Promise<Progressed>;
  /** Gives the partition up, if the fence is still its owner's, and rings. */
  release(at: PartitionAt, group: string, fence: number, call?: Call): Promise<void>;
  /** The first event in the parking of up to `limit` resumed subjects. */
  resumed(at: PartitionAt, group: string, limit: number, call?: Call): Promise<ResumedEntry[]>;

  groups(at: PartitionAt, call?: Call): Promise<PartitionGroup[]>;
  /** Of subjects that were not resumed; the subject that was parked first comes first. */
  parked(at: PartitionAt, group: string, limit: number, call?: Call): Promise<ParkedEntry[]>;
  /** Rings the partition's bell. */
  resume(at: PartitionAt, group: string, subject: string, call?: Call): Promise<number>;
  trim(at: PartitionAt, keep: number, call?: Call): Promise<number>;

  listen(stream: string, group: string, listener: (bell: Bell) => void): Listening;
}

/** What an entry costs of its partition's bound: payload, subject, id and an allowance for what surrounds them. */
export function entryBytes({ payload, subject, eventId }: NewEntry): number {
  return payload.length + Buffer.byteLength(subject) + Buffer.byteLength(eventId) + 64;
}
