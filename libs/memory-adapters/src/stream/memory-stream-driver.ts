import {
  type AppendBatch,
  type Bell,
  type Clock,
  type Listening,
  type Member,
  type ParkedEntry,
  type PartitionAppended,
  type PartitionAt,
  type PartitionGroup,
  type PartitionLog,
  type Progress,
  type Progressed,
  type ResumedEntry,
  type StreamDriver,
  type Taken,
} from '@redstart/ports';
import { clone } from './clone.js';
import { MemoryGroup } from './memory-group.js';
import { MemoryLog } from './memory-log.js';

interface Partition {
  log: MemoryLog;
  groups: Map<string, MemoryGroup>;
}

interface Ear {
  stream: string;
  group: string;
  partitions: Set<number>;
  listener: (bell: Bell) => void;
}

/** Streams in the process. One instance is one backend: handles that share it see the same streams. */
export class MemoryStreamDriver implements StreamDriver {
  private readonly streams = new Map<string, Map<number, Partition>>();
  /** By stream and group: until when each consumer counts as alive. */
  private readonly members = new Map<string, Map<string, number>>();
  private readonly ears = new Set<Ear>();
  private lastFence = 0;

  constructor(private readonly clock: Clock) {}

  async append(at: PartitionAt, batch: AppendBatch): Promise<PartitionAppended> {
    const { log, groups } = this.partition(at);
    const appended = log.append(batch, { now: this.clock.now(), acknowledged: acknowledgedByAll(groups) });
    if (appended.status === 'appended' && appended.written > 0) this.ringPartition(at, 'appended');
    return appended;
  }

  async lastPosition(at: PartitionAt, producer: string): Promise<number> {
    return this.partition(at).log.positions.get(producer) ?? 0;
  }

  async read(at: PartitionAt, { after, limit }: { after: number; limit: number }): Promise<PartitionLog> {
    const { log } = this.partition(at);
    return { incarnation: log.incarnation, first: log.first, last: log.last, entries: log.after(after, limit) };
  }

  async register(at: PartitionAt, group: string, startAt: 'beginning' | 'end'): Promise<void> {
    this.group(at, group, startAt);
  }

  async join(stream: string, group: string, member: { consumer: string; ttlMs: number }): Promise<Member[]> {
    const now = this.clock.now();
    const members = this.membersOf(stream, group);
    for (const [consumer, until] of members) if (until <= now) members.delete(consumer);
    const isNew = !members.has(member.consumer);
    members.set(member.consumer, now + member.ttlMs);
    if (isNew) this.ringGroup(stream, group);
    return [...members]
      .map(([consumer, until]) => ({ consumer, remainingMs: until - now }))
      .sort((a, b) => (a.consumer < b.consumer ? -1 : 1));
  }

  async leave(stream: string, group: string, consumer: string): Promise<void> {
    this.membersOf(stream, group).delete(consumer);
    this.ringGroup(stream, group);
  }

  async take(
    at: PartitionAt,
    group: string,
    { consumer, leaseMs, fence }: { consumer: string; leaseMs: number; fence?: number },
  ): Promise<Taken> {
    const now = this.clock.now();
    const state = this.group(at, group, 'beginning');
    const continued = fence !== undefined && state.fence === fence && state.owner === consumer;
    if (!continued) {
      if (state.owner !== undefined && state.owner !== consumer && state.leasedUntil > now) {
        return { status: 'held', owner: state.owner, remainingMs: state.leasedUntil - now };
      }
      this.lastFence = Math.max(this.lastFence + 1, now * 1000);
      state.fence = this.lastFence;
    }
    state.owner = consumer;
    state.leasedUntil = now + leaseMs;
    const { committed, open, fence: held } = state;
    const { incarnation } = this.partition(at).log;
    const resumed = state.resumedSubjects();
    return { status: 'taken', fence: held, continued, incarnation, committed, open: new Map(open), resumed };
  }

  async progress(at: PartitionAt, group: string, progress: Progress): Promise<Progressed> {
    const state = this.partition(at).groups.get(group);
    if (!state || state.owner === undefined || state.fence !== progress.fence) return { status: 'lost' };
    const now = this.clock.now();
    state.leasedUntil = now + progress.leaseMs;
    state.countLost();
    const outcomes = progress.steps.map((step) => state.apply(step, { now, maxParkedBytes: progress.maxParkedBytes }));
    return { status: 'progressed', outcomes, committed: state.committed, resumed: state.resumedSubjects() };
  }

  async release(at: PartitionAt, group: string, fence: number): Promise<void> {
    const state = this.partition(at).groups.get(group);
    if (state?.fence !== fence) return;
    state.owner = undefined;
    this.ringGroup(at.stream, group);
  }

  async resumed(at: PartitionAt, group: string, limit: number): Promise<ResumedEntry[]> {
    return this.group(at, group, 'beginning').resumedHeads(limit);
  }

  async groups(at: PartitionAt): Promise<PartitionGroup[]> {
    const now = this.clock.now();
    return [...this.partition(at).groups].map(([group, state]) => ({ group, ...state.describe(now) }));
  }

  async parked(at: PartitionAt, group: string, limit: number): Promise<ParkedEntry[]> {
    return this.partition(at).groups.get(group)?.parkedEntries(limit) ?? [];
  }

  async resume(at: PartitionAt, group: string, subject: string): Promise<number> {
    const resumed = this.partition(at).groups.get(group)?.resume(subject) ?? 0;
    if (resumed > 0) this.ringPartition(at, 'resumed');
    return resumed;
  }

  async trim(at: PartitionAt, keep: number): Promise<number> {
    const { log, groups } = this.partition(at);
    return log.dropThrough(Math.min(log.last - keep, acknowledgedByAll(groups)));
  }

  listen(stream: string, group: string, listener: (bell: Bell) => void): Listening {
    const ear: Ear = { stream, group, partitions: new Set(), listener };
    this.ears.add(ear);
    this.deliver([ear], { rung: 'missed' });
    return {
      add: (partition) => {
        ear.partitions.add(partition);
        this.deliver([ear], { rung: 'missed' });
      },
      remove: (partition) => ear.partitions.delete(partition),
      close: () => this.ears.delete(ear),
    };
  }

  /** As FLUSHALL does it, for tests. */
  forget(stream: string): void {
    this.streams.delete(stream);
    for (const key of this.members.keys()) if (key.startsWith(`${stream}\0`)) this.members.delete(key);
  }

  /** Answers what brings the stream back to what it is now, for tests. */
  snapshot(stream: string): () => Promise<void> {
    const partitions = clone(this.streams.get(stream));
    return async () => {
      if (partitions) this.streams.set(stream, partitions);
    };
  }

  private partition({ stream, partition }: PartitionAt): Partition {
    const partitions = this.streams.get(stream) ?? new Map<number, Partition>();
    this.streams.set(stream, partitions);
    const known = partitions.get(partition) ?? { log: new MemoryLog(), groups: new Map() };
    partitions.set(partition, known);
    return known;
  }

  private group(at: PartitionAt, group: string, startAt: 'beginning' | 'end'): MemoryGroup {
    const { log, groups } = this.partition(at);
    const state = groups.get(group) ?? new MemoryGroup(log, startAt === 'end' ? log.last : log.first - 1);
    groups.set(group, state);
    state.countLost();
    return state;
  }

  private membersOf(stream: string, group: string): Map<string, number> {
    const key = `${stream}\0${group}`;
    const members = this.members.get(key) ?? new Map<string, number>();
    this.members.set(key, members);
    return members;
  }

  private ringPartition({ stream, partition }: PartitionAt, rung: 'appended' | 'resumed'): void {
    const hearing = [...this.ears].filter((ear) => ear.stream === stream && ear.partitions.has(partition));
    this.deliver(hearing, { rung, partition });
  }

  private ringGroup(stream: string, group: string): void {
    const hearing = [...this.ears].filter((ear) => ear.stream === stream && ear.group === group);
    this.deliver(hearing, { rung: 'group' });
  }

  /** Never inside the call that rang: a listener may call the driver. */
  private deliver(ears: readonly Ear[], bell: Bell): void {
    for (const ear of ears) queueMicrotask(() => this.ears.has(ear) && ear.listener(bell));
  }
}

/** All up to this sequence is acknowledged by every group; 0 where there is none. */
function acknowledgedByAll(groups: ReadonlyMap<string, MemoryGroup>): number {
  return groups.size === 0 ? 0 : Math.min(...[...groups.values()].map((group) => group.committed));
}
