import {
  type AppendBatch,
  type Bell,
  type Call,
  type Listening,
  type LogEntry,
  type Member,
  type NewEntry,
  type ParkedEntry,
  type PartitionAppended,
  type PartitionAt,
  type PartitionGroup,
  type PartitionLog,
  type PartitionStep,
  type Progress,
  type Progressed,
  type ResumedEntry,
  type StepOutcome,
  type StreamDriver,
  type Taken,
} from '@redstart/ports';
import { type RedisConnection } from '../connection/redis-connection.js';
import { type Subscription } from '../connection/subscriber.js';
import { type ScriptArgument } from '../script/script.js';
import { appendScript } from './append.script.js';
import { describeGroupScript } from './describe-group.script.js';
import { joinScript } from './join.script.js';
import { groupKeys, memberKeys, partitionKeys } from './keys.js';
import { leaveScript } from './leave.script.js';
import { parkedScript } from './parked.script.js';
import { progressScript } from './progress.script.js';
import { registerScript } from './register.script.js';
import { releaseScript } from './release.script.js';
import { resumeScript } from './resume.script.js';
import { resumedHeadsScript } from './resumed-heads.script.js';
import { takeScript } from './take.script.js';
import { trimScript } from './trim.script.js';

/** Entries dropped by one script call, so that trimming a long stream does not block the server. */
const TRIM_STEP = 1_000;
const OUTCOMES: readonly StepOutcome[] = ['done', 'followed', 'parkingFull', 'gone'];

/**
 * Streams on Redis. The log is a Redis stream that is read by plain XRANGE: reading changes nothing, so a stale owner
 * cannot take entries away from the present one, as it could from a consumer group of Redis. What a group has handled
 * is kept beside the log, in the same slot, and changed only under the owner's fence.
 */
export class RedisStreamDriver implements StreamDriver {
  constructor(private readonly connection: RedisConnection) {}

  async append({ stream, partition }: PartitionAt, batch: AppendBatch, call?: Call): Promise<PartitionAppended> {
    const { log, meta, ids, groups, bell } = partitionKeys(stream, partition);
    const { sequenced } = batch;
    const [status, first = 0, second = 0] = (await this.connection.run(
      appendScript,
      { log, meta, ids, groups, bell },
      {
        maxBytes: batch.maxBytes,
        maxAgeMs: batch.maxAgeMs,
        whenFull: batch.whenFull,
        producer: sequenced?.producer ?? '',
        firstPosition: sequenced?.firstPosition ?? 0,
        base: sequenced?.base ? 1 : 0,
        entries: packed(batch.entries),
      },
      { operation: 'stream.append', call },
    )) as number[];
    if (status === 0) return { status: 'full' };
    if (status === -1) return { status: 'gap', expected: first };
    return { status: 'appended', written: first, duplicates: second };
  }

  async lastPosition({ stream, partition }: PartitionAt, producer: string, call?: Call): Promise<number> {
    const { meta } = partitionKeys(stream, partition);
    const position = await this.connection.command(
      { operation: 'stream.lastPosition', call, idempotent: true },
      (redis) => redis.hget(meta, `p:${producer}`),
    );
    return Number(position ?? 0);
  }

  async read(
    { stream, partition }: PartitionAt,
    { after, limit }: { after: number; limit: number },
    call?: Call,
  ): Promise<PartitionLog> {
    const { meta, log } = partitionKeys(stream, partition);
    // The head first: an entry that is written between the two is read, and is not missed for being newer than `last`.
    const [head, entries] = await this.connection.pipeline(
      { operation: 'stream.read', call, idempotent: true },
      (pipeline) =>
        pipeline
          .command('hmget', meta, 'inc', 'first', 'last')
          .commandBuffer('xrange', log, `${after + 1}-0`, '+', 'COUNT', limit),
    );
    const [incarnation, first, last] = orThrow(head) as (string | null)[];
    return {
      incarnation: incarnation ?? '',
      first: Number(first ?? 1),
      last: Number(last ?? 0),
      entries: (orThrow(entries) as [Buffer, Buffer[]][]).map(([id, fields]) => entryOf(id, fields)),
    };
  }

  async register(
    { stream, partition }: PartitionAt,
    group: string,
    startAt: 'beginning' | 'end',
    call?: Call,
  ): Promise<void> {
    const { log, meta, ids, groups } = partitionKeys(stream, partition);
    const { state, open } = groupKeys(stream, partition, group);
    await this.connection.run(
      registerScript,
      { log, meta, ids, groups, state, open },
      { group, startAt },
      { operation: 'stream.register', call, idempotent: true },
    );
  }

  async join(
    stream: string,
    group: string,
    { consumer, ttlMs }: { consumer: string; ttlMs: number },
    call?: Call,
  ): Promise<Member[]> {
    const options = { operation: 'stream.join', call, idempotent: true };
    const reply = await this.connection.run(joinScript, { ...memberKeys(stream, group) }, { consumer, ttlMs }, options);
    return inGroupsOf(2, reply as (string | number)[])
      .map(([name, remainingMs]) => ({ consumer: String(name), remainingMs: Number(remainingMs) }))
      .sort((a, b) => (a.consumer < b.consumer ? -1 : 1));
  }

  async leave(stream: string, group: string, consumer: string, call?: Call): Promise<void> {
    const options = { operation: 'stream.leave', call, idempotent: true };
    await this.connection.run(leaveScript, { ...memberKeys(stream, group) }, { consumer }, options);
  }

  async take(
    at: PartitionAt,
    group: string,
    lease: { consumer: string; leaseMs: number; fence?: number },
    call?: Call,
  ): Promise<Taken> {
    const { meta, groups } = partitionKeys(at.stream, at.partition);
    const { state, open, resumed } = groupKeys(at.stream, at.partition, group);
    const reply = (await this.connection.run(
      takeScript,
      { meta, groups, state, open, resumed },
      { group, consumer: lease.consumer, leaseMs: lease.leaseMs, fence: lease.fence ?? '' },
      { operation: 'stream.take', call },
    )) as (string | number)[];
    const [status, second, third, incarnation, committed, resumedSubjects, ...pairs] = reply;
    if (status === -1) {
      // The backend lost the group since it was registered.
      await this.register(at, group, 'beginning', call);
      return this.take(at, group, lease, call);
    }
    if (status === 0) return { status: 'held', owner: String(second), remainingMs: Number(third) };
    return {
      status: 'taken',
      fence: Number(second),
      continued: third === 1,
      incarnation: String(incarnation),
      committed: Number(committed),
      open: new Map(inGroupsOf(2, pairs).map(([sequence, attempts]) => [Number(sequence), Number(attempts)])),
      resumed: Number(resumedSubjects),
    };
  }

  async progress(
    { stream, partition }: PartitionAt,
    group: string,
    progress: Progress,
    call?: Call,
  ): Promise<Progressed> {
    const { log, meta, groups } = partitionKeys(stream, partition);
    const [committed, resumed, ...outcomes] = (await this.connection.run(
      progressScript,
      { log, meta, groups, ...groupKeys(stream, partition, group) },
      {
        group,
        fence: progress.fence,
        leaseMs: progress.leaseMs,
        maxParkedBytes: progress.maxParkedBytes,
        steps: stepArguments(progress.steps),
      },
      { operation: 'stream.progress', call, idempotent: true },
    )) as number[];
    if (committed === undefined || resumed === undefined) return { status: 'lost' };
    return {
      status: 'progressed',
      outcomes: outcomes.map((outcome) => OUTCOMES[outcome - 1] as StepOutcome),
      committed,
      resumed,
    };
  }

  async release({ stream, partition }: PartitionAt, group: string, fence: number, call?: Call): Promise<void> {
    const options = { operation: 'stream.release', call, idempotent: true };
    const { state } = groupKeys(stream, partition, group);
    const released = await this.connection.run(releaseScript, { state }, { fence }, options);
    if (released !== 1) return;
    // In another slot than the state, so not in the script: when it is lost, the others find out a beat later.
    const { memberBell } = memberKeys(stream, group);
    await this.connection.command(options, (redis) => redis.spublish(memberBell, '')).catch(() => undefined);
  }

  async resumed(
    { stream, partition }: PartitionAt,
    group: string,
    limit: number,
    call?: Call,
  ): Promise<ResumedEntry[]> {
    const { parking, resumed } = groupKeys(stream, partition, group);
    const options = { operation: 'stream.resumed', call, idempotent: true };
    const reply = await this.connection.runBuffer(resumedHeadsScript, { parking, resumed }, { limit }, options);
    return inGroupsOf(7, reply as Buffer[]).map(([index, attempts, ...event]) => ({
      index: Number(index),
      attempts: Number(attempts),
      ...parkedEvent(event),
    }));
  }

  async groups({ stream, partition }: PartitionAt, call?: Call): Promise<PartitionGroup[]> {
    const operation = 'stream.groups';
    const { log, meta, groups } = partitionKeys(stream, partition);
    const names = await this.connection.command({ operation, call, idempotent: true }, (redis) => redis.hkeys(groups));
    const described = await Promise.all(
      names.map(async (group) => {
        const { state, open } = groupKeys(stream, partition, group);
        const reply = (await this.connection.run(
          describeGroupScript,
          { log, meta, groups, state, open },
          { group },
          { operation, call, idempotent: true },
        )) as [number, number, number, number, number, string] | [];
        if (reply.length === 0) return [];
        const [lag, lagMs, pending, parked, lostToTrim, owner] = reply;
        return [{ group, lag, lagMs, pending, parked, lostToTrim, owner: owner === '' ? undefined : owner }];
      }),
    );
    return described.flat();
  }

  async parked({ stream, partition }: PartitionAt, group: string, limit: number, call?: Call): Promise<ParkedEntry[]> {
    const { parking, aside } = groupKeys(stream, partition, group);
    const options = { operation: 'stream.parked', call, idempotent: true };
    const reply = await this.connection.runBuffer(parkedScript, { parking, aside }, { limit }, options);
    return inGroupsOf(8, reply as Buffer[]).map(([attempts, reason, parkedAt, ...event]) => ({
      attempts: Number(attempts),
      reason: String(reason),
      parkedAt: Number(parkedAt),
      ...parkedEvent(event),
    }));
  }

  async resume({ stream, partition }: PartitionAt, group: string, subject: string, call?: Call): Promise<number> {
    const { bell } = partitionKeys(stream, partition);
    const { parking, aside, resumed } = groupKeys(stream, partition, group);
    const options = { operation: 'stream.resume', call };
    return (await this.connection.run(resumeScript, { parking, aside, resumed, bell }, { subject }, options)) as number;
  }

  async trim({ stream, partition }: PartitionAt, keep: number, call?: Call): Promise<number> {
    const { log, meta, ids, groups } = partitionKeys(stream, partition);
    for (let total = 0; ;) {
      const options = { operation: 'stream.trim', call };
      const went = await this.connection.run(
        trimScript,
        { log, meta, ids, groups },
        { keep, most: TRIM_STEP },
        options,
      );
      total += went as number;
      if ((went as number) < TRIM_STEP) return total;
    }
  }

  listen(stream: string, group: string, listener: (bell: Bell) => void): Listening {
    const members = this.subscribe(memberKeys(stream, group).memberBell, () => listener({ rung: 'group' }));
    const stopHearing = this.connection.onReconnect(() => listener({ rung: 'missed' }));
    const partitions = new Map<number, Subscription>();
    return {
      add: (partition) => {
        if (partitions.has(partition)) return;
        const ring = (message: string) => listener({ rung: message === 'resumed' ? 'resumed' : 'appended', partition });
        partitions.set(partition, this.subscribe(partitionKeys(stream, partition).bell, ring));
      },
      remove: (partition) => {
        partitions.get(partition)?.close();
        partitions.delete(partition);
      },
      close: () => {
        stopHearing();
        members.close();
        for (const subscription of partitions.values()) subscription.close();
        partitions.clear();
      },
    };
  }

  /** Rings also when it begins to hear, and does again: something may have happened before. */
  private subscribe(channel: string, ring: (message: string) => void): Subscription {
    const subscription = this.connection.subscribe(channel, ring, () => ring(''));
    void subscription.confirmed.then(() => ring(''));
    return subscription;
  }
}

/** One argument for a whole batch: many small Buffers cost a quarter of the throughput (SPEED.md). */
function packed(entries: readonly NewEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { eventId, subject, schema, payload } of entries) {
    const fields = [Buffer.from(eventId), Buffer.from(subject), Buffer.from(schema), payload];
    const lengths = Buffer.allocUnsafe(16);
    fields.forEach((field, index) => lengths.writeUInt32BE(field.length, 4 * index));
    parts.push(lengths, ...fields);
  }
  return Buffer.concat(parts);
}

function stepArguments(steps: readonly PartitionStep[]): ScriptArgument[] {
  const operands: ScriptArgument[] = [];
  for (const step of steps) {
    const letter = { begin: 'b', handBack: 'h', acknowledge: 'a', park: 'p' }[step.kind];
    if ('sequence' in step.at) operands.push(letter, step.at.sequence);
    else operands.push(letter.toUpperCase(), step.at.subject, step.at.index);
    if (step.kind !== 'acknowledge') operands.push(step.attempt);
    if (step.kind === 'park') operands.push(step.reason);
  }
  return operands;
}

/** Fields are always written in one order: subject, event id, schema, payload. */
function entryOf(id: Buffer, [, subject, , eventId, , schema, , payload]: Buffer[]): LogEntry {
  return {
    ...idOf(id),
    eventId: String(eventId),
    subject: String(subject),
    schema: String(schema),
    payload: bytes(payload),
  };
}

function parkedEvent([id, subject, eventId, schema, payload]: (Buffer | undefined)[]): LogEntry {
  return {
    ...idOf(id as Buffer),
    eventId: String(eventId),
    subject: String(subject),
    schema: String(schema),
    payload: bytes(payload),
  };
}

function idOf(id: Buffer): { sequence: number; writtenAt: number } {
  const [sequence, writtenAt] = id.toString('latin1').split('-');
  return { sequence: Number(sequence), writtenAt: Number(writtenAt) };
}

function bytes(value: Buffer | undefined): Uint8Array {
  return value ?? new Uint8Array();
}

function orThrow(reply: unknown): unknown {
  if (reply instanceof Error) throw reply;
  return reply;
}

function inGroupsOf<T>(size: number, flat: readonly T[]): T[][] {
  const groups: T[][] = [];
  for (let from = 0; from < flat.length; from += size) groups.push(flat.slice(from, from + size));
  return groups;
}
