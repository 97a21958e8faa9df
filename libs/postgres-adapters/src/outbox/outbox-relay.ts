import { randomUUID } from 'node:crypto';
import type { Clock, EventStream, Running, Timer } from '@redstart/ports';
import { withinBudget } from '../database/call-budget.js';
import type { SqlExecutor } from '../unit-of-work/sql-executor.js';
import { dropDays, makeDays } from './outbox-days.js';
import { OutboxListener } from './outbox-listener.js';
import { OutboxRows, type PlacedRow } from './outbox-rows.js';
import type { Outbox, OutboxEvent } from './outbox.js';
import { PartitionPump } from './partition-pump.js';
import { RelayLeases } from './relay-leases.js';

export interface RelaySettings<E extends OutboxEvent> {
  outbox: Outbox<E>;
  /** Where the events go; on any fault the relay waits and goes on by itself. */
  target: EventStream;
  /**
   * Called with rows that the stream has, in order of position, before the next batch of their partition: at least once
   * for every row, again after a rewind (the stream forgot them, so the queue may have too) and after a crash. A throw
   * has the batch come again; a hook that always throws holds its partition up.
   */
  afterAppend?: (rows: readonly PlacedRow<E>[], signal: AbortSignal) => Promise<void>;
  /** Milliseconds after which a relay that gave no sign of life loses its partitions. Default 5000. */
  leaseMs?: number;
  /** Milliseconds between two looks for rows that no bell told of. Default 1000. */
  pollMs?: number;
  /** Milliseconds between two looks whether the stream still has its tail. Default 2000. */
  checkMs?: number;
  /** Milliseconds a row waits for a predecessor that has not been committed. Default 15000. */
  holdMs?: number;
  /** Rows an append at most. Default 128. */
  batch?: number;
  /** Connections of the relay's own share of the pool. Default 2. */
  connections?: number;
  /** Days that rows live at least. Default 7. */
  keepDays?: number;
  /** Default: a random one. Unique per relay. */
  name?: string;
  onFault?: (error: unknown) => void;
}

export interface RunningRelay extends Running {
  /** Partitions that this relay holds now. */
  readonly owned: ReadonlySet<number>;
}

/** What giving back may take beyond the deadline, when PostgreSQL does not answer. */
const LEAVE_MS = 500;
const TEND_MS = 10 * 60 * 1000;
const RETRY_TEND_MS = 60 * 1000;

/**
 * Starts a relay of an outbox. Any number may run, in any processes: they share the partitions, and take over those of
 * one that died. Starts while PostgreSQL or the stream is away, and works once they are there.
 */
export function startOutboxRelay<E extends OutboxEvent>(settings: RelaySettings<E>): RunningRelay {
  return new OutboxRelay(settings);
}

class OutboxRelay<E extends OutboxEvent> implements RunningRelay {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #leases: RelayLeases;
  readonly #rows: OutboxRows<E>;
  readonly #pumps = new Map<number, PartitionPump<E>>();
  readonly #listener: OutboxListener;
  readonly #bell: { stop(): void };
  readonly #timers = new Set<Timer>();
  readonly #beats = new Set<Promise<void>>();
  #prepared = false;
  #stopping: Promise<{ finished: number; handedBack: number }> | undefined;

  constructor(private readonly settings: RelaySettings<E>) {
    const { database, stream } = settings.outbox.settings;
    const { leaseMs = 5000, pollMs = 1000, checkMs = 2000, connections = 2 } = settings;
    this.#name = settings.name ?? randomUUID();
    this.#clock = database.clock;
    const { db } = database.share(`outbox.${stream.name}`, connections);
    this.#leases = new RelayLeases({
      db,
      stream: stream.name,
      partitions: stream.partitions,
      relay: this.#name,
      leaseMs,
    });
    this.#rows = new OutboxRows(db, stream.name, settings.holdMs ?? 15_000);
    this.#bell = settings.outbox.bell.listen((partition) => this.#hear(partition));
    this.#listener = new OutboxListener({
      channel: settings.outbox.bell.channel,
      config: () => database.sessionConfig(),
      clock: this.#clock,
      onRing: (partitions) => partitions.forEach((partition) => this.#hear(partition)),
      onConnected: () => this.#pumps.forEach((pump) => pump.wake()),
      onFault: (error) => this.#fault(error),
    });
    this.#every(() => this.#hold(), leaseMs / 5);
    this.#every(() => this.#poll(), pollMs);
    this.#every(() => this.#check(), checkMs);
    this.#every(() => this.#tend(db), TEND_MS, RETRY_TEND_MS);
  }

  get owned(): ReadonlySet<number> {
    return new Set(this.#pumps.keys());
  }

  stop({ deadlineMs }: { deadlineMs: number }): Promise<{ finished: number; handedBack: number }> {
    this.#stopping ??= this.#stop(deadlineMs);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ deadlineMs: 5000 });
  }

  async #stop(deadlineMs: number) {
    const deadline = this.#clock.sleep(deadlineMs);
    this.#bell.stop();
    this.#timers.forEach((timer) => timer.cancel());
    const pumps = [...this.#pumps.values()];
    let finished = 0;
    const stopped = Promise.all(pumps.map((pump) => pump.stop().then(() => void (finished += 1))));
    // A sign of life under way could take partitions after they were given back.
    await Promise.race([Promise.all([stopped, ...this.#beats]), deadline]);
    const inTime = finished;
    pumps.forEach((pump) => pump.abort());
    this.#pumps.clear();
    let handedBack = 0;
    try {
      handedBack = await withinBudget({ budgetMs: LEAVE_MS }, () => this.#leases.leave());
    } catch (error) {
      // The leases run out by themselves.
      this.#fault(error);
    }
    await Promise.race([this.#listener.stop(), this.#clock.sleep(LEAVE_MS)]);
    return { finished: inTime, handedBack };
  }

  /** Runs `task` now and `everyMs` after it has ended, sooner after it failed if so told. */
  #every(task: () => Promise<void>, everyMs: number, afterFaultMs = everyMs): void {
    let timer: Timer | undefined;
    const beat = async () => {
      if (timer) this.#timers.delete(timer);
      let failed = false;
      const running = task().catch((error: unknown) => {
        failed = true;
        this.#fault(error);
      });
      this.#beats.add(running);
      await running;
      this.#beats.delete(running);
      if (this.#stopping) return;
      timer = this.#clock.after(failed ? afterFaultMs : everyMs, () => void beat());
      this.#timers.add(timer);
    };
    void beat();
  }

  async #hold(): Promise<void> {
    if (!this.#prepared) {
      await this.#leases.prepare();
      this.#prepared = true;
    }
    const { fences, quota } = await this.#leases.hold();
    if (this.#stopping) return;
    for (const [partition, pump] of this.#pumps) {
      if (fences.get(partition) !== pump.fence) this.#drop(partition, pump);
    }
    const surplus = [...fences.keys()].slice(quota);
    for (const [partition, fence] of fences) {
      if (!this.#pumps.has(partition) && !surplus.includes(partition)) this.#take(partition, fence);
    }
    if (surplus.length > 0) await this.#giveBack(surplus);
  }

  #take(partition: number, fence: number): void {
    const { target, afterAppend, batch = 128, outbox } = this.settings;
    const { database, stream } = outbox.settings;
    const pump: PartitionPump<E> = new PartitionPump({
      lease: { partition, relay: this.#name, fence },
      rows: this.#rows,
      target,
      stream,
      producer: `outbox:${database.schema}`,
      clock: this.#clock,
      afterAppend: afterAppend ?? (() => Promise.resolve()),
      batch,
      onLost: () => this.#drop(partition, pump),
      onFault: (error) => this.#fault(error),
    });
    this.#pumps.set(partition, pump);
    pump.wake();
  }

  #drop(partition: number, pump: PartitionPump<E>): void {
    pump.abort();
    if (this.#pumps.get(partition) === pump) this.#pumps.delete(partition);
  }

  async #giveBack(partitions: readonly number[]): Promise<void> {
    await Promise.all(
      partitions.map(async (partition) => {
        const pump = this.#pumps.get(partition);
        this.#pumps.delete(partition);
        await pump?.stop();
      }),
    );
    await this.#leases.release(partitions);
  }

  #hear(partition: number): boolean {
    const pump = this.#pumps.get(partition);
    pump?.wake();
    return pump !== undefined;
  }

  async #poll(): Promise<void> {
    if (this.#pumps.size === 0) return;
    for (const partition of await this.#rows.unplaced([...this.#pumps.keys()])) this.#hear(partition);
  }

  async #check(): Promise<void> {
    // All in one turn of the event loop: a client that pipelines sends them together.
    this.#pumps.forEach((pump) => pump.check());
  }

  async #tend(db: SqlExecutor): Promise<void> {
    await makeDays(db);
    await dropDays(db, this.settings.keepDays ?? 7);
  }

  #fault(error: unknown): void {
    (this.settings.onFault ?? ((fault) => this.settings.outbox.settings.database.onFault(fault)))(error);
  }
}
