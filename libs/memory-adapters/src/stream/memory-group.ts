import {
  entryBytes,
  type LogEntry,
  type ParkedEntry,
  type PartitionGroup,
  type PartitionStep,
  type ResumedEntry,
  type StepOutcome,
} from '@redstart/ports';
import { type MemoryLog } from './memory-log.js';

const FOLLOWS = 'behind a parked event of its subject';

/** A subject that is set aside: its events in order, the first one at `index`. */
interface SetAside {
  index: number;
  events: ParkedEntry[];
  resumed: boolean;
  /** Deliveries of the first one, since it was resumed. */
  attempts: number;
}

/** How far one group has come in one partition, and what it has set aside. */
export class MemoryGroup {
  owner: string | undefined;
  fence = 0;
  leasedUntil = 0;
  /** Deliveries by sequence, beyond `committed`; 0: acknowledged. */
  readonly open = new Map<number, number>();
  /** By subject, in the order they were parked. */
  private readonly aside = new Map<string, SetAside>();
  private parkedBytes = 0;
  private lost = 0;

  constructor(
    private readonly log: MemoryLog,
    public committed: number,
  ) {}

  /** Trimming has passed what was not acknowledged: counts it, and goes on behind it. */
  countLost(): void {
    if (this.committed >= this.log.first - 1) return;
    let acknowledged = 0;
    for (const [sequence, attempts] of this.open) {
      if (sequence >= this.log.first) continue;
      if (attempts === 0) acknowledged += 1;
      this.open.delete(sequence);
    }
    this.lost += this.log.first - 1 - this.committed - acknowledged;
    this.committed = this.log.first - 1;
    this.advance();
  }

  apply(step: PartitionStep, bounds: { now: number; maxParkedBytes: number }): StepOutcome {
    if ('subject' in step.at) return this.applyResumed(step, { ...step.at, now: bounds.now });
    const { sequence } = step.at;
    if (sequence <= this.committed || this.open.get(sequence) === 0) return 'done';
    switch (step.kind) {
      case 'begin': {
        const entry = this.log.at(sequence);
        if (entry && this.aside.has(entry.subject)) {
          return this.setAside(entry, { attempts: 0, reason: FOLLOWS, ...bounds }) ? 'followed' : 'parkingFull';
        }
        this.open.set(sequence, step.attempt);
        return 'done';
      }
      case 'handBack':
        if (step.attempt === 0) this.open.delete(sequence);
        else this.open.set(sequence, step.attempt);
        return 'done';
      case 'acknowledge':
        this.acknowledge(sequence);
        return 'done';
      case 'park': {
        const entry = this.log.at(sequence);
        const parked = !entry || this.setAside(entry, { attempts: step.attempt, reason: step.reason, ...bounds });
        return parked ? 'done' : 'parkingFull';
      }
    }
  }

  resumedSubjects(): number {
    return [...this.aside.values()].filter((subject) => subject.resumed).length;
  }

  resumedHeads(limit: number): ResumedEntry[] {
    return [...this.aside.values()]
      .filter((subject) => subject.resumed)
      .slice(0, limit)
      .flatMap(({ events, index, attempts }) =>
        events.slice(0, 1).map((entry) => ({ ...copied(entry), index, attempts })),
      );
  }

  parkedEntries(limit: number): ParkedEntry[] {
    return [...this.aside.values()]
      .filter((subject) => !subject.resumed)
      .flatMap((subject) => subject.events)
      .slice(0, limit)
      .map(copied);
  }

  resume(subject: string): number {
    const aside = this.aside.get(subject);
    if (!aside || aside.resumed) return 0;
    aside.resumed = true;
    aside.attempts = 0;
    return aside.events.length;
  }

  describe(now: number): Omit<PartitionGroup, 'group'> {
    this.countLost();
    const oldest = this.log.at(this.committed + 1);
    const pending = [...this.open.values()].filter((attempts) => attempts > 0).length;
    return {
      lag: this.log.last - this.committed - this.open.size,
      lagMs: oldest ? now - oldest.writtenAt : 0,
      pending,
      parked: [...this.aside.values()].reduce((sum, { events }) => sum + events.length, 0),
      lostToTrim: this.lost,
      owner: this.owner !== undefined && this.leasedUntil > now ? this.owner : undefined,
    };
  }

  private applyResumed(
    step: PartitionStep,
    { subject, index, now }: { subject: string; index: number; now: number },
  ): StepOutcome {
    const aside = this.aside.get(subject);
    const head = aside?.events[0];
    if (!aside || !head || !aside.resumed || aside.index !== index) return 'gone';
    switch (step.kind) {
      case 'begin':
      case 'handBack':
        aside.attempts = step.attempt;
        break;
      case 'acknowledge':
        aside.events.shift();
        aside.index += 1;
        aside.attempts = 0;
        this.parkedBytes -= entryBytes(head);
        if (aside.events.length === 0) this.aside.delete(subject);
        break;
      case 'park':
        Object.assign(head, { attempts: step.attempt, reason: step.reason, parkedAt: now });
        aside.resumed = false;
        // Parked anew: behind what was parked before.
        this.aside.delete(subject);
        this.aside.set(subject, aside);
    }
    return 'done';
  }

  private setAside(
    entry: LogEntry,
    {
      attempts,
      reason,
      now,
      maxParkedBytes,
    }: { attempts: number; reason: string; now: number; maxParkedBytes: number },
  ): boolean {
    const bytes = entryBytes(entry);
    if (this.parkedBytes + bytes > maxParkedBytes) return false;
    const aside = this.aside.get(entry.subject) ?? { index: 0, events: [], resumed: false, attempts: 0 };
    this.aside.set(entry.subject, aside);
    aside.events.push({ ...copied(entry), attempts, reason, parkedAt: now });
    this.parkedBytes += bytes;
    this.acknowledge(entry.sequence);
    return true;
  }

  private acknowledge(sequence: number): void {
    this.open.set(sequence, 0);
    this.advance();
  }

  private advance(): void {
    while (this.open.get(this.committed + 1) === 0) {
      this.committed += 1;
      this.open.delete(this.committed);
    }
  }
}

function copied<E extends LogEntry>(entry: E): E {
  return { ...entry, payload: entry.payload.slice() };
}
