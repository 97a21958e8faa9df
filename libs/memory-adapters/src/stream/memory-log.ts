import { randomUUID } from 'node:crypto';
import { type AppendBatch, entryBytes, type LogEntry, type NewEntry, type PartitionAppended } from '@redstart/ports';

/** So many of the entries that are too old go with one append, at most. */
const AGED_PER_APPEND = 128;

/** One partition's entries, and the last position of each producer that numbers its own. */
export class MemoryLog {
  readonly incarnation = randomUUID();
  readonly positions = new Map<string, number>();
  first = 1;
  private entries: LogEntry[] = [];
  private readonly ids = new Set<string>();
  private bytes = 0;

  get last(): number {
    return this.first + this.entries.length - 1;
  }

  at(sequence: number): LogEntry | undefined {
    return this.entries[sequence - this.first];
  }

  after(sequence: number, limit: number): LogEntry[] {
    const from = Math.max(0, sequence + 1 - this.first);
    return this.entries.slice(from, from + limit).map(copied);
  }

  append(batch: AppendBatch, { now, acknowledged }: { now: number; acknowledged: number }): PartitionAppended {
    const selected = this.select(batch);
    if ('status' in selected) return selected;
    const bytes = selected.entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
    const written = selected.entries.length;
    const appended = { status: 'appended' as const, written, duplicates: batch.entries.length - written };
    if (written === 0) return appended;
    if (bytes > batch.maxBytes) return { status: 'full' };
    const mayDrop = batch.whenFull === 'trim' ? this.last : acknowledged;
    this.dropAged(mayDrop, now - batch.maxAgeMs);
    while (this.bytes + bytes > batch.maxBytes && this.first <= mayDrop && this.entries.length > 0) {
      this.dropThrough(this.first);
    }
    if (this.bytes + bytes > batch.maxBytes) return { status: 'full' };
    for (const entry of selected.entries) {
      this.entries.push({ ...copied(entry), sequence: this.last + 1, writtenAt: now });
      if (!batch.sequenced) this.ids.add(entry.eventId);
    }
    this.bytes += bytes;
    if (batch.sequenced) {
      this.positions.set(batch.sequenced.producer, batch.sequenced.firstPosition + batch.entries.length - 1);
    }
    return appended;
  }

  /** Drops all up to `sequence`; answers how many. */
  dropThrough(sequence: number): number {
    const dropped = this.entries.splice(0, Math.max(0, sequence - this.first + 1));
    for (const entry of dropped) {
      this.ids.delete(entry.eventId);
      this.bytes -= entryBytes(entry);
    }
    this.first += dropped.length;
    return dropped.length;
  }

  private select({ entries, sequenced }: AppendBatch): { entries: NewEntry[] } | PartitionAppended {
    if (sequenced) {
      const last = this.positions.get(sequenced.producer) ?? 0;
      const mayBegin = last === 0 && sequenced.base;
      if (sequenced.firstPosition > last + 1 && !mayBegin) return { status: 'gap', expected: last + 1 };
      return { entries: entries.slice(Math.max(0, last + 1 - sequenced.firstPosition)) };
    }
    const fresh = new Map(
      entries.filter(({ eventId }) => !this.ids.has(eventId)).map((entry) => [entry.eventId, entry]),
    );
    return { entries: [...fresh.values()] };
  }

  private dropAged(mayDrop: number, before: number): void {
    for (let count = 0; count < AGED_PER_APPEND && this.first <= mayDrop; count += 1) {
      const oldest = this.entries[0];
      if (!oldest || oldest.writtenAt >= before) return;
      this.dropThrough(this.first);
    }
  }
}

function copied<E extends NewEntry>(entry: E): E {
  return { ...entry, payload: entry.payload.slice() };
}
