import { type DeadRecord, type TaskRecord } from '@redstart/ports';
import { TaskLine } from './task-line.js';

/** A task as a shard keeps it. */
export interface KeptTask {
  /** Its number, new each time that it begins to wait: the token of the delivery that follows. */
  number: number;
  /** Deliveries burned so far. */
  burned: number;
  id: string;
  /** What `dedupe` knows it by. */
  known: string | undefined;
  bytes: number;
  body: Uint8Array;
}

type KeepDead = { count: number; ageMs: number };

interface Leased {
  task: KeptTask;
  endsAt: number;
}

interface Delayed {
  task: KeptTask;
  dueAt: number;
}

/** What is kept of one shard, and the moves that keep its parts in step. Instants are epoch milliseconds. */
export class MemoryShard {
  readonly waiting = new TaskLine<KeptTask>();
  readonly active = new Map<string, Leased>();
  /** By instant, then by number. */
  readonly delayed: Delayed[] = [];
  /** By death. */
  readonly dead = new Map<string, DeadRecord & { known: string | undefined }>();
  readonly bells = new Set<() => void>();
  /** The turn that each worker used last, and the tokens it took then. */
  readonly workers = new Map<string, { turn: number; tokens: readonly string[]; forgetAt: number }>();
  bytes = 0;
  /** No lease ends before. */
  leasesEndFrom = Infinity;
  /** By key, the task that is not done yet. */
  private readonly open = new Map<string, string>();
  /** By key, the task that has ended; in the order of their ends. */
  private readonly ended = new Map<string, { id: string; forgetAt: number }>();
  private lastNumber = 0;

  nextNumber(now: number): number {
    this.lastNumber = Math.max(this.lastNumber + 1, now * 1_000);
    return this.lastNumber;
  }

  /** The first task known by `known`, when there is one. */
  firstKnown(known: string, now: number): string | undefined {
    const ended = this.ended.get(known);
    return this.open.get(known) ?? (ended && ended.forgetAt > now ? ended.id : undefined);
  }

  know(known: string, id: string): void {
    this.ended.delete(known);
    this.open.set(known, id);
  }

  keep(task: TaskRecord, now: number): KeptTask {
    const known = knownBy(task);
    const bytes = bytesOf(task);
    this.bytes += bytes;
    if (known !== undefined) this.know(known, task.id);
    return { number: this.nextNumber(now), burned: 0, id: task.id, known, bytes, body: task.body.slice() };
  }

  delay(task: KeptTask, dueAt: number): void {
    let low = 0;
    for (let high = this.delayed.length; low < high;) {
      const middle = (low + high) >>> 1;
      const other = this.delayed[middle]!;
      if (other.dueAt < dueAt || (other.dueAt === dueAt && other.task.number < task.number)) low = middle + 1;
      else high = middle;
    }
    this.delayed.splice(low, 0, { task, dueAt });
  }

  /** Takes tasks out of `active`, those whose lease has ended. */
  overdue(now: number): KeptTask[] {
    if (this.leasesEndFrom > now) return [];
    const over = [...this.active.entries()].filter(([, { endsAt }]) => endsAt <= now);
    for (const [token] of over) this.active.delete(token);
    this.leasesEndFrom = [...this.active.values()].reduce((least, { endsAt }) => Math.min(least, endsAt), Infinity);
    return over.map(([, { task }]) => task).sort((a, b) => a.number - b.number);
  }

  lease(token: string, task: KeptTask, endsAt: number): void {
    this.active.set(token, { task, endsAt });
    this.leasesEndFrom = Math.min(this.leasesEndFrom, endsAt);
  }

  /** At the head, in the order of their numbers. */
  putBack(tasks: readonly KeptTask[], now: number): void {
    for (const task of [...tasks].sort((a, b) => b.number - a.number)) {
      this.waiting.unshift({ ...task, number: this.nextNumber(now) });
    }
  }

  /** Done or dead: its bytes are free, and its key is known for a while. */
  close(task: KeptTask, dedupeMs: number, now: number): void {
    this.bytes -= task.bytes;
    if (task.known === undefined || this.open.get(task.known) !== task.id) return;
    this.open.delete(task.known);
    if (dedupeMs > 0) this.ended.set(task.known, { id: task.id, forgetAt: now + dedupeMs });
  }

  bury(task: KeptTask, end: { reason: string; now: number; keep: KeepDead }): void {
    const { reason, now, keep } = end;
    const { id, body, known } = task;
    this.dead.delete(id);
    this.dead.set(id, { id, body, known, attempts: task.burned + 1, reason, diedAt: now });
    this.sweep(now, keep);
  }

  /** Lets go of what is kept for no reason any more. */
  sweep(now: number, keep: KeepDead): void {
    for (const [oldest, { diedAt }] of this.dead) {
      if (this.dead.size <= keep.count && diedAt > now - keep.ageMs) break;
      this.dead.delete(oldest);
    }
    for (const all of [this.workers, this.ended]) {
      for (const [name, { forgetAt }] of all) {
        if (forgetAt > now) break;
        all.delete(name);
      }
    }
  }

  ring(): void {
    for (const bell of [...this.bells]) bell();
  }
}

export function bytesOf(task: TaskRecord): number {
  const key = task.dedupe === 'none' ? 0 : task.dedupe === 'id' ? 1 : 1 + Buffer.byteLength(task.dedupe.key);
  return Buffer.byteLength(task.id) + key + task.body.length;
}

export function knownBy(task: TaskRecord): string | undefined {
  if (task.dedupe === 'none') return undefined;
  return task.dedupe === 'id' ? `i${task.id}` : `k${task.dedupe.key}`;
}
