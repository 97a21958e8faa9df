import {
  type Call,
  type Clock,
  type DeadRecord,
  type Enqueued,
  type Exchange,
  type Exchanged,
  QueueDriver,
  type QueueShard,
  type QueueStats,
  type Settlement,
  type TakenTask,
  type TaskRecord,
} from '@redstart/ports';
import { OpenHandle } from '../open-handle.js';
import { bytesOf, type KeptTask, knownBy, MemoryShard } from './memory-shard.js';

/** What the queue drivers of one backend share. */
export class MemoryQueues {
  private readonly shards = new Map<string, MemoryShard>();

  shard(of: QueueShard): MemoryShard {
    const name = `${of.queue}.${of.shard}`;
    let shard = this.shards.get(name);
    if (!shard) this.shards.set(name, (shard = new MemoryShard()));
    return shard;
  }
}

export class MemoryQueueDriver extends QueueDriver {
  private readonly handle = new OpenHandle('queue');

  constructor(
    private readonly queues: MemoryQueues,
    private readonly clock: Clock,
  ) {
    super();
  }

  async enqueue(shard: QueueShard, tasks: readonly TaskRecord[], call?: Call): Promise<Enqueued[]> {
    this.handle.enter('enqueue', call);
    const now = this.clock.now();
    const kept = this.queues.shard(shard);
    const firsts = new Map<string, string>();
    const answers = tasks.map((task): Enqueued => {
      const known = knownBy(task);
      if (known === undefined) return { status: 'queued', id: task.id };
      const first = kept.firstKnown(known, now) ?? firsts.get(known);
      if (first !== undefined) return { status: 'duplicate', id: first };
      firsts.set(known, task.id);
      return { status: 'queued', id: task.id };
    });
    const fresh = tasks.filter((_, index) => answers[index]?.status === 'queued');
    const added = fresh.reduce((total, task) => total + bytesOf(task), 0);
    if (added > 0 && kept.bytes + added > shard.maxBytes) return tasks.map(() => ({ status: 'full' }));

    const wasEmpty = kept.waiting.length === 0;
    const wasDueAt = kept.delayed[0]?.dueAt ?? Infinity;
    for (const task of fresh) {
      const entry = kept.keep(task, now);
      if (task.delayMs > 0) kept.delay(entry, now + task.delayMs);
      else kept.waiting.push(entry);
    }
    const isDueBefore = (kept.delayed[0]?.dueAt ?? Infinity) < wasDueAt;
    if ((wasEmpty && kept.waiting.length > 0) || isDueBefore) kept.ring();
    return answers;
  }

  async exchange(shard: QueueShard, exchange: Exchange, call?: Call): Promise<Exchanged> {
    this.handle.enter('exchange', call);
    const now = this.clock.now();
    const kept = this.queues.shard(shard);
    const back: KeptTask[] = [];
    const refused = exchange.settle
      .filter((settlement) => !this.settle(shard, settlement, back))
      .map(({ token }) => token);

    const last = kept.workers.get(exchange.worker);
    const isStale = last !== undefined && exchange.turn <= last.turn;
    const unheard = last && !isStale && last.turn > exchange.received ? last.tokens : [];
    const again = unheard.filter((token) => kept.active.has(token));
    for (const token of again) kept.lease(token, kept.active.get(token)!.task, now + shard.leaseMs);

    for (const task of kept.overdue(now)) {
      const burned = task.burned + 1;
      if (burned < shard.attempts) {
        back.push({ ...task, burned });
        continue;
      }
      kept.close(task, shard.dedupeMs, now);
      kept.bury(task, { reason: `the lease of delivery ${burned} ran out`, now, keep: shard.keepDead });
    }
    kept.putBack(back, now);
    const promoted = this.promote(kept, now);

    const want = isStale ? 0 : Math.max(0, exchange.want - again.length);
    const tokens = [...again];
    for (let taken = 0; taken < want; taken += 1) {
      const task = kept.waiting.shift();
      if (!task) break;
      const token = String(task.number);
      kept.lease(token, task, now + shard.leaseMs);
      tokens.push(token);
    }
    if (!isStale) {
      kept.workers.delete(exchange.worker);
      const forgetAt = now + Math.max(shard.leaseMs, 60_000);
      kept.workers.set(exchange.worker, { turn: exchange.turn, tokens, forgetAt });
    }
    kept.sweep(now, shard.keepDead);
    if (back.length + promoted > 0 && kept.waiting.length > 0) kept.ring();
    return {
      refused,
      taken: tokens.map((token) => takenAs(token, kept.active.get(token)!.task)),
      nextDueMs: tokens.length < exchange.want ? nextDueMs(kept, now) : undefined,
    };
  }

  async renew(shard: QueueShard, tokens: readonly string[], call?: Call): Promise<readonly string[]> {
    this.handle.enter('renew', call);
    const kept = this.queues.shard(shard);
    const endsAt = this.clock.now() + shard.leaseMs;
    return tokens.filter((token) => {
      const leased = kept.active.get(token);
      if (leased) leased.endsAt = endsAt;
      return !leased;
    });
  }

  async stats(shard: QueueShard, call?: Call): Promise<QueueStats> {
    this.handle.enter('stats', call);
    const now = this.clock.now();
    const kept = this.queues.shard(shard);
    kept.sweep(now, shard.keepDead);
    const { waiting, delayed, active, dead, bytes } = kept;
    const { head } = waiting;
    return {
      waiting: waiting.length,
      delayed: delayed.length,
      active: active.size,
      dead: dead.size,
      bytes,
      oldestWaitingMs: head ? Math.max(0, Math.floor(now - head.number / 1_000)) : 0,
    };
  }

  async deadLetters(shard: QueueShard, limit: number, call?: Call): Promise<readonly DeadRecord[]> {
    this.handle.enter('deadLetters', call);
    const since = this.clock.now() - shard.keepDead.ageMs;
    const letters = [...this.queues.shard(shard).dead.values()].filter(({ diedAt }) => diedAt > since);
    return letters
      .reverse()
      .slice(0, limit)
      .map(({ id, body, attempts, reason, diedAt }) => ({ id, body: body.slice(), attempts, reason, diedAt }));
  }

  async replayDead(shard: QueueShard, ids: readonly string[], call?: Call): Promise<number> {
    this.handle.enter('replayDead', call);
    const now = this.clock.now();
    const kept = this.queues.shard(shard);
    const wasEmpty = kept.waiting.length === 0;
    let found = 0;
    for (const id of ids) {
      const letter = kept.dead.get(id);
      if (!letter) continue;
      kept.dead.delete(id);
      found += 1;
      const { known, body } = letter;
      const first = known === undefined ? undefined : kept.firstKnown(known, now);
      if (known !== undefined && (first === undefined || first === id)) kept.know(known, id);
      const bytes = Buffer.byteLength(id) + keyBytes(known) + body.length;
      kept.bytes += bytes;
      kept.waiting.push({ number: kept.nextNumber(now), burned: 0, id, known, bytes, body });
    }
    if (wasEmpty && found > 0) kept.ring();
    return found;
  }

  listen(shard: QueueShard, onBell: () => void): () => void {
    const { bells } = this.queues.shard(shard);
    // Its own function: one listener may listen twice. As a message, it never arrives within the call that rang.
    const bell = () => queueMicrotask(onBell);
    bells.add(bell);
    return () => bells.delete(bell);
  }

  close(): void {
    this.handle.close();
  }

  /** False: refused. Tasks to put back at the head go into `back`. */
  protected settle(shard: QueueShard, settlement: Settlement, back: KeptTask[]): boolean {
    const kept = this.queues.shard(shard);
    const now = this.clock.now();
    const task = kept.active.get(settlement.token)?.task;
    if (!task) return false;
    kept.active.delete(settlement.token);
    if (settlement.verdict === 'release') back.push(task);
    else if (settlement.verdict === 'retry') {
      kept.delay({ ...task, burned: task.burned + (settlement.count ? 1 : 0) }, now + settlement.inMs);
    } else {
      kept.close(task, shard.dedupeMs, now);
      if (settlement.verdict === 'dead') {
        kept.bury(task, { reason: settlement.reason, now, keep: shard.keepDead });
      }
    }
    return true;
  }

  private promote(kept: MemoryShard, now: number): number {
    let due = 0;
    while (due < kept.delayed.length && kept.delayed[due]!.dueAt <= now) due += 1;
    for (const { task } of kept.delayed.splice(0, due)) kept.waiting.push({ ...task, number: kept.nextNumber(now) });
    return due;
  }
}

function takenAs(token: string, task: KeptTask): TakenTask {
  return { token, id: task.id, attempt: task.burned + 1, body: task.body.slice() };
}

function nextDueMs(kept: MemoryShard, now: number): number | undefined {
  const next = Math.min(kept.delayed[0]?.dueAt ?? Infinity, kept.leasesEndFrom);
  return next === Infinity ? undefined : Math.max(0, next - now);
}

function keyBytes(known: string | undefined): number {
  if (known === undefined) return 0;
  return known.startsWith('i') ? 1 : Buffer.byteLength(known);
}
