import {
  BackendFault,
  type Call,
  type Clock,
  type DeadRecord,
  type Enqueued,
  type Exchange,
  type Exchanged,
  QueueDriver,
  type QueueShard,
  type QueueStats,
  type TaskRecord,
} from '@redstart/ports';
import { coalesce } from '../connection/coalesce.js';
import { type RedisConnection } from '../connection/redis-connection.js';
import { type ScriptArgument } from '../script/script.js';
import { deadLettersScript } from './dead-letters.script.js';
import { enqueueScript } from './enqueue.script.js';
import { exchangeScript } from './exchange.script.js';
import { type QueueKeys, queueKeys, takenKey } from './keys.js';
import { renewScript } from './renew.script.js';
import { replayDeadScript } from './replay-dead.script.js';
import { statsScript } from './stats.script.js';
import { decodeDeadLetter, decodeTaken, encodeTasks, sizeOf } from './task-record.js';

type Enqueue = (tasks: readonly TaskRecord[], call?: Call) => Promise<Enqueued[] | BackendFault>;

interface ShardAccess {
  keys: QueueKeys;
  enqueue: Enqueue;
}

export interface RedisQueueSettings {
  clock: Clock;
  /** Default budget of a call. */
  timeoutMs: number;
}

/** One script call each blocks the server as long as it runs: batches are cut to this. */
const MOST_TASKS = 1000;
const MOST_BYTES = 4 * 1024 * 1024;

export class RedisQueueDriver extends QueueDriver {
  private readonly shards = new WeakMap<QueueShard, ShardAccess>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly settings: RedisQueueSettings,
  ) {
    super();
  }

  async enqueue(shard: QueueShard, tasks: readonly TaskRecord[], call?: Call): Promise<Enqueued[]> {
    const answer = await this.access(shard).enqueue(tasks, call);
    if (answer instanceof BackendFault) throw answer;
    return answer;
  }

  async exchange(shard: QueueShard, exchange: Exchange, call?: Call): Promise<Exchanged> {
    const { keys } = this.access(shard);
    const { bell, known, forget, meta, waiting, delayed, leases, active, dead, letters } = keys;
    const done: ScriptArgument[] = [];
    const others: ScriptArgument[] = [];
    for (const settlement of exchange.settle) {
      const { token, verdict } = settlement;
      if (verdict === 'done') done.push(token);
      else if (verdict === 'release') others.push(token, 'release', 0, '');
      else if (verdict === 'dead') others.push(token, 'dead', 0, settlement.reason);
      else others.push(token, settlement.count ? 'retry' : 'retry-free', settlement.inMs, '');
    }
    const reply = (await this.connection.runBuffer(
      exchangeScript,
      {
        meta,
        waiting,
        delayed,
        leases,
        active,
        dead,
        letters,
        known,
        forget,
        bell,
        taken: takenKey(shard.queue, shard.shard, exchange.worker),
      },
      {
        turn: exchange.turn,
        received: exchange.received,
        want: exchange.want,
        leaseMs: shard.leaseMs,
        attempts: shard.attempts,
        dedupeMs: shard.dedupeMs,
        deadCount: shard.keepDead.count,
        deadAgeMs: shard.keepDead.ageMs,
        done: done.length,
        settled: done.concat(others),
      },
      { operation: 'queue.exchange', call },
    )) as [refused: Buffer[], nextDueMs: number, records: Buffer[]];
    const [refused, nextDueMs, records] = reply;
    return {
      refused: refused.map((token) => token.toString('latin1')),
      taken: records.map(decodeTaken),
      nextDueMs: nextDueMs < 0 ? undefined : nextDueMs,
    };
  }

  async renew(shard: QueueShard, tokens: readonly string[], call?: Call): Promise<readonly string[]> {
    const { leases } = this.access(shard).keys;
    const { leaseMs } = shard;
    const options = { operation: 'queue.renew', call, idempotent: true };
    return (await this.connection.run(renewScript, { leases }, { leaseMs, tokens }, options)) as string[];
  }

  async stats(shard: QueueShard, call?: Call): Promise<QueueStats> {
    const { meta, waiting, delayed, active, dead } = this.access(shard).keys;
    const counts = (await this.connection.run(
      statsScript,
      { meta, waiting, delayed, active, dead },
      { deadAgeMs: shard.keepDead.ageMs },
      { operation: 'queue.stats', call, idempotent: true },
    )) as [number, number, number, number, number, number];
    return {
      waiting: counts[0],
      delayed: counts[1],
      active: counts[2],
      dead: counts[3],
      bytes: counts[4],
      oldestWaitingMs: counts[5],
    };
  }

  async deadLetters(shard: QueueShard, limit: number, call?: Call): Promise<readonly DeadRecord[]> {
    const { dead, letters } = this.access(shard).keys;
    const found = (await this.connection.runBuffer(
      deadLettersScript,
      { dead, letters },
      { limit: Math.min(limit, MOST_TASKS), deadAgeMs: shard.keepDead.ageMs },
      { operation: 'queue.deadLetters', call, idempotent: true },
    )) as (Buffer | null)[];
    return found.filter((letter) => letter !== null).map(decodeDeadLetter);
  }

  async replayDead(shard: QueueShard, ids: readonly string[], call?: Call): Promise<number> {
    const { meta, waiting, dead, letters, known, forget, bell } = this.access(shard).keys;
    let found = 0;
    for (let from = 0; from < ids.length; from += MOST_TASKS) {
      const part = ids.slice(from, from + MOST_TASKS);
      found += (await this.connection.run(
        replayDeadScript,
        { meta, waiting, dead, letters, known, forget, bell },
        { ids: part },
        { operation: 'queue.replayDead', call },
      )) as number;
    }
    return found;
  }

  listen(shard: QueueShard, onBell: () => void): () => void {
    // Closed: the worker's first exchange says so.
    if (this.connection.state === 'closed') return () => undefined;
    let listening = true;
    const ring = () => {
      if (listening) onBell();
    };
    const subscription = this.connection.subscribe(this.access(shard).keys.bell, ring, ring);
    // Whatever was rung for before the server listened, at first and after each cut, is looked for at once.
    void subscription.confirmed.then(ring);
    return () => {
      listening = false;
      subscription.close();
    };
  }

  private access(shard: QueueShard): ShardAccess {
    let access = this.shards.get(shard);
    if (!access) {
      const keys = queueKeys(shard.queue, shard.shard);
      const enqueue = coalesce<readonly TaskRecord[], Enqueued[] | BackendFault>({
        operation: 'queue.enqueue',
        maxBatch: MOST_TASKS,
        timeoutMs: this.settings.timeoutMs,
        clock: this.settings.clock,
        flush: (calls, call) => this.flush(shard, keys, calls, call),
      });
      this.shards.set(shard, (access = { keys, enqueue }));
    }
    return access;
  }

  /** All calls of a tick, in as few scripts as their sizes allow. A call's tasks stay together. */
  private async flush(
    shard: QueueShard,
    keys: QueueKeys,
    calls: readonly (readonly TaskRecord[])[],
    call: Call,
  ): Promise<(Enqueued[] | BackendFault)[]> {
    const batches: (readonly TaskRecord[])[][] = [];
    let tasks = Infinity;
    let bytes = Infinity;
    for (const group of calls) {
      const groupBytes = group.reduce((total, task) => total + sizeOf(task), 0);
      if (tasks + group.length > MOST_TASKS || bytes + groupBytes > MOST_BYTES) {
        batches.push([]);
        tasks = bytes = 0;
      }
      tasks += group.length;
      bytes += groupBytes;
      batches.at(-1)!.push(group);
    }
    const answers = await Promise.all(
      batches.map((batch) =>
        this.send(shard, keys, batch, call).catch((error: unknown) => {
          if (error instanceof BackendFault) return batch.map(() => error);
          throw error;
        }),
      ),
    );
    return answers.flat();
  }

  private async send(
    shard: QueueShard,
    { meta, waiting, delayed, known, forget, bell }: QueueKeys,
    groups: readonly (readonly TaskRecord[])[],
    call: Call,
  ): Promise<Enqueued[][]> {
    const reply = (await this.connection.run(
      enqueueScript,
      { meta, waiting, delayed, known, forget, bell },
      { maxBytes: shard.maxBytes, tasks: encodeTasks(groups) },
      { operation: 'queue.enqueue', call },
    )) as 1 | (0 | 1 | string)[];
    let at = 0;
    return groups.map((group) =>
      group.map((task): Enqueued => {
        const answer = reply === 1 ? 1 : reply[at++];
        if (answer === 0) return { status: 'full' };
        return answer === 1 ? { status: 'queued', id: task.id } : { status: 'duplicate', id: String(answer) };
      }),
    );
  }
}
