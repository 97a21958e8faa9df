import { type Timer } from '../clock/clock.js';
import { cursorAt } from './cursor.js';
import { type Item, type Lane, Lanes } from './lanes.js';
import { type StreamConsumer } from './stream-consumer.js';
import {
  type LogEntry,
  type PartitionAt,
  type PartitionLog,
  type PartitionStep,
  type Progressed,
  type ResumedEntry,
  type StepOutcome,
  type Taken,
} from './stream-driver.js';
import { type Final, type Verdict, verdictOn } from './verdict.js';

/** Entries asked for at once. */
const BATCH = 100;
/** Asks for more when fewer subjects than so many have an event that could be handed out now. */
const LOW = BATCH / 2;
/** Held in memory at most, also behind subjects that wait for a retry. */
const MAX_HELD = 1000;
const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** How far it reads ahead of the oldest event that is not acknowledged; bounds what the backend notes of each. */
const MAX_AHEAD = 10_000;
const MAX_STEPS = 500;
const RESUMED_AT_ONCE = 64;
const PARKING_RETRY_MS = 1000;
const RESYNC_MAX_MS = 1000;

interface PendingStep {
  step: PartitionStep;
  applied: (outcome: StepOutcome) => void;
  /** It did not get through, or nobody knows. */
  failed: () => void;
}

/**
 * One partition while this consumer owns it: reads ahead, keeps each subject's events in a lane, and reports begun and
 * handled events in one call at a time, which also renews the lease.
 *
 * After any fault its view may be wrong (the backend may have failed over and forgotten a tail): it takes the partition
 * again under the same fence, drops what it read and reads anew from what is acknowledged. A handler that runs
 * meanwhile is known again by its event's key.
 */
export class OwnedPartition<E> {
  private readonly fence: number;
  private readonly incarnation: string;
  private readonly at: PartitionAt;
  private readonly lanes = new Lanes<E>(this);
  private readonly steps: PendingStep[] = [];
  /** Settled while the view was in doubt, by key: reported when the event is seen again. */
  private readonly unreported = new Map<string, { item: Item; verdict: Final }>();
  /** Heads of resumed subjects that are in a lane. */
  private readonly resumedKeys = new Set<string>();
  private open: Map<number, number>;
  private committed: number;
  private cursor: number;
  private generation = 1;
  private reading = false;
  private more = true;
  private looking = false;
  private lookAgain = false;
  private flushing = false;
  private flushScheduled = false;
  private renewalDue = false;
  private inDoubt = false;
  private resyncing = false;
  private failedResyncs = 0;
  private resyncTimer: Timer | undefined;
  private leaseTimer: Timer;
  private releasing = false;
  private left: { promise: Promise<void>; resolve: () => void } | undefined;
  private isGone = false;

  constructor(
    private readonly consumer: StreamConsumer<E>,
    readonly number: number,
    taken: Extract<Taken, { status: 'taken' }>,
    /** By the monotonic clock. */
    private leasedUntilMs: number,
  ) {
    this.at = { stream: consumer.parts.stream.name, partition: number };
    this.fence = taken.fence;
    this.incarnation = taken.incarnation;
    this.committed = taken.committed;
    this.cursor = taken.committed;
    this.open = taken.open;
    this.leaseTimer = this.watchLease();
    if (taken.resumed > 0) this.lookForResumed();
  }

  get leaving(): boolean {
    return this.left !== undefined;
  }

  get busy(): boolean {
    return this.lanes.all().some((lane) => lane.current !== undefined);
  }

  /** Reads what is new, as far as there is room for it. */
  poll(): void {
    this.more = true;
    this.readIfRoom();
  }

  lookAnew(): void {
    if (this.inDoubt) this.resync();
    else this.poll();
  }

  private readIfRoom(): void {
    if (!this.more || this.reading || this.isGone || this.inDoubt) return;
    if (this.leaving && this.unreported.size === 0) return;
    const { ready, held, heldBytes } = this.lanes;
    if (ready >= LOW || held >= MAX_HELD || heldBytes >= MAX_HELD_BYTES) return;
    if (this.cursor - this.committed >= MAX_AHEAD) return;
    this.reading = true;
    this.more = false;
    const { generation } = this;
    const range = { after: this.cursor, limit: BATCH };
    this.consumer.parts.driver.read(this.at, range).then(
      (log) => {
        if (generation === this.generation) this.onRead(log);
        this.reading = false;
        this.readIfRoom();
      },
      (error: unknown) => {
        this.reading = false;
        this.more = true;
        this.doubt(error);
      },
    );
  }

  private onRead(log: PartitionLog): void {
    if (this.isGone) return;
    // Lost with all its keys, or with a tail that was already read.
    if (log.incarnation !== this.incarnation) return this.lose();
    if (log.last < this.cursor) return this.resync();
    // First: what is received may be handed out at once, and ask for more.
    this.cursor = log.entries.at(-1)?.sequence ?? this.cursor;
    for (const entry of log.entries) this.receive(entry);
    if (log.entries.length === BATCH) this.more = true;
    else this.unreported.clear();
    this.flush();
    this.releaseWhenDone();
  }

  private receive(entry: LogEntry): void {
    const attempts = this.open.get(entry.sequence) ?? 0;
    const acknowledged = this.open.delete(entry.sequence) && attempts === 0;
    if (acknowledged) return;
    const { sequence, writtenAt } = entry;
    this.enqueue({ key: `${sequence}-${writtenAt}`, at: { sequence }, entry, attempts, generation: this.generation });
  }

  /** The head of each subject that was resumed goes before what the log has of it. */
  lookForResumed(): void {
    if (this.isGone || this.leaving || this.inDoubt) return;
    if (this.looking) {
      this.lookAgain = true;
      return;
    }
    this.looking = true;
    this.lookAgain = false;
    const { driver, group } = this.consumer.parts;
    const { generation } = this;
    driver.resumed(this.at, group, RESUMED_AT_ONCE).then(
      (heads) => {
        this.looking = false;
        if (this.isGone || generation !== this.generation) return;
        for (const head of heads) this.receiveResumed(head);
        this.flush();
        if (this.lookAgain) this.lookForResumed();
      },
      (error: unknown) => {
        this.looking = false;
        this.doubt(error);
      },
    );
  }

  private receiveResumed(head: ResumedEntry): void {
    const { subject, index, attempts } = head;
    const key = `${index} ${subject}`;
    this.resumedKeys.add(key);
    if (this.lanes.get(subject)?.items[0]?.key === key) return;
    this.enqueue({ key, at: { subject, index }, entry: head, attempts, generation: this.generation }, 'first');
  }

  private enqueue(item: Item, place: 'first' | 'last' = 'last'): void {
    const { subject } = item.entry;
    const lane = this.lanes.open(subject);
    const unreported = this.unreported.get(item.key);
    if (unreported) {
      this.unreported.delete(item.key);
      this.lanes.enter(lane, 'settling');
      this.steps.push(this.finalStep(lane, { ...unreported.item, generation: item.generation }, unreported.verdict));
      return;
    }
    if (lane.current?.key === item.key) {
      lane.current.generation = item.generation;
      return;
    }
    this.lanes.add(lane, item, place);
    if (lane.state === 'idle') this.makeReady(lane);
  }

  mayBegin(lane: Lane<E>): boolean {
    return lane.state === 'ready' && !this.isGone && !this.leaving && !this.inDoubt;
  }

  /** Called with a slot. Counts the delivery at the backend first, so that a crash of this process counts too. */
  begin(lane: Lane<E>): void {
    const item = this.lanes.shift(lane) as Item;
    this.lanes.enter(lane, 'beginning');
    lane.current = item;
    this.report({
      step: { kind: 'begin', at: item.at, attempt: item.attempts + 1 },
      applied: (outcome) => this.onBegun(lane, item, outcome),
      failed: () => {
        lane.current = undefined;
        this.lanes.drop(lane);
        this.consumer.freeSlot();
      },
    });
    this.readIfRoom();
  }

  private onBegun(lane: Lane<E>, item: Item, outcome: StepOutcome): void {
    if (outcome === 'done') {
      item.attempts += 1;
      if (!this.leaving) return this.handOut(lane, item);
      lane.current = undefined;
      this.handBackOne(item);
    } else {
      lane.current = undefined;
      this.resumedKeys.delete(item.key);
      if (outcome === 'parkingFull') this.waitForParking(lane, item);
      else this.next(lane);
    }
    this.consumer.freeSlot();
  }

  private handOut(lane: Lane<E>, item: Item): void {
    this.lanes.enter(lane, 'running');
    item.abort = new AbortController();
    const vacate = this.consumer.occupy(lane);
    const { stream, handle, options } = this.consumer.parts;
    const { entry, attempts: attempt } = item;
    const { incarnation, number: partition, fence: ownerFence } = this;
    void verdictOn<E>({
      stream,
      handle,
      options,
      entry,
      attempt,
      cursor: cursorAt({ ...entry, incarnation, partition }),
      partition,
      ownerFence,
      signal: item.abort.signal,
      tell: (error) => this.consumer.tell(error),
    }).then((verdict) => {
      vacate();
      this.settle(lane, item, verdict);
      this.consumer.fillSlots();
    });
  }

  private settle(lane: Lane<E>, item: Item, verdict: Verdict): void {
    // Handed back, or the ownership was lost: the event is another delivery's now.
    if (lane.current !== item) return;
    lane.current = undefined;
    const isStale = item.generation !== this.generation;
    if (verdict.kind === 'retry') {
      // A stale one comes again with what is read anew.
      if (isStale || this.leaving) this.next(lane);
      else this.wait(lane, item, verdict.inMs);
    } else {
      this.resumedKeys.delete(item.key);
      if (isStale) {
        this.unreported.set(item.key, { item, verdict });
        this.next(lane);
      } else {
        this.lanes.enter(lane, 'settling');
        this.report(this.finalStep(lane, item, verdict));
        // What follows is begun by the same report, after it; only a parking may be refused.
        if (verdict.kind === 'acknowledge') this.next(lane);
      }
    }
    this.releaseWhenDone();
  }

  private finalStep(lane: Lane<E>, item: Item, verdict: Final): PendingStep {
    const { at, attempts } = item;
    return {
      step: verdict.kind === 'park' ? { ...verdict, at, attempt: attempts } : { kind: 'acknowledge', at },
      applied: (outcome) => {
        if (lane.state !== 'settling') return;
        if (outcome === 'parkingFull') this.waitForParking(lane, item);
        else this.next(lane);
      },
      failed: () => {
        this.unreported.set(item.key, { item, verdict });
      },
    };
  }

  /** Its place is kept: what follows it in the subject waits too, all others go on. */
  private wait(lane: Lane<E>, item: Item, ms: number): void {
    if (lane.state === 'dropped' || this.isGone || this.leaving) return this.lanes.drop(lane);
    this.lanes.add(lane, item, 'first');
    this.lanes.enter(lane, 'waiting');
    lane.timer = this.consumer.parts.clock.after(ms, () => this.makeReady(lane));
    this.readIfRoom();
  }

  private waitForParking(lane: Lane<E>, item: Item): void {
    const { stream, group } = this.consumer.parts;
    this.consumer.tell(new Error(`the parking of ${group} on ${stream.name}, partition ${this.number}, is full`));
    this.wait(lane, item, PARKING_RETRY_MS);
  }

  private next(lane: Lane<E>): void {
    if (lane.state === 'dropped') return;
    if (lane.items.length === 0 || this.leaving) this.lanes.drop(lane);
    else this.makeReady(lane);
    this.readIfRoom();
  }

  private makeReady(lane: Lane<E>): void {
    this.lanes.enter(lane, 'ready');
    this.consumer.ready(lane);
  }

  renew(): void {
    this.renewalDue = true;
    this.flush();
  }

  private report(step: PendingStep): void {
    this.steps.push(step);
    this.flush();
  }

  /** Once what this tick still brings is there, and never two at a time: steps of a partition stay in order. */
  private flush(): void {
    if (this.flushScheduled || this.flushing || this.inDoubt || this.isGone) return;
    if (this.steps.length === 0 && !this.renewalDue) return;
    this.flushScheduled = true;
    queueMicrotask(() => {
      this.flushScheduled = false;
      if (!this.inDoubt && !this.isGone) void this.flushNow();
    });
  }

  private async flushNow(): Promise<void> {
    const { driver, clock, group, maxParkedBytes } = this.consumer.parts;
    const leaseMs = this.consumer.takeoverMs;
    const batch = this.steps.splice(0, MAX_STEPS);
    const sentMs = clock.monotonicMs();
    this.flushing = true;
    this.renewalDue = false;
    let progressed: Progressed;
    try {
      progressed = await driver.progress(this.at, group, {
        fence: this.fence,
        leaseMs,
        maxParkedBytes,
        steps: batch.map(({ step }) => step),
      });
    } catch (error) {
      this.flushing = false;
      this.steps.unshift(...batch);
      if (this.isGone) this.failSteps();
      else this.doubt(error);
      return;
    }
    this.flushing = false;
    if (this.isGone || progressed.status === 'lost') {
      this.steps.unshift(...batch);
      if (this.isGone) this.failSteps();
      else this.lose();
      return;
    }
    this.leasedUntilMs = sentMs + leaseMs;
    this.committed = progressed.committed;
    const { outcomes } = progressed;
    batch.forEach(({ applied }, index) => applied(outcomes[index] as StepOutcome));
    if (progressed.resumed > this.resumedKeys.size) this.lookForResumed();
    this.readIfRoom();
    if (this.inDoubt) this.resync();
    this.flush();
    this.releaseWhenDone();
  }

  private failSteps(): void {
    for (const { failed } of this.steps.splice(0)) failed();
  }

  private doubt(error: unknown): void {
    if (this.isGone) return;
    this.consumer.fault(error);
    if (this.inDoubt) return;
    this.inDoubt = true;
    // What was not begun gives its slot to other partitions.
    this.failSteps();
    this.resyncLater();
  }

  private resyncLater(): void {
    this.failedResyncs += 1;
    const delayMs = Math.random() * Math.min(RESYNC_MAX_MS, 25 * 2 ** Math.min(this.failedResyncs, 10));
    this.resyncTimer = this.consumer.parts.clock.after(delayMs, () => this.resync());
  }

  private resync(): void {
    this.inDoubt = true;
    // A report under way is waited for: `flushNow` calls again.
    if (this.isGone || this.resyncing || this.flushing) return;
    this.resyncTimer?.cancel();
    void this.resyncNow();
  }

  private async resyncNow(): Promise<void> {
    const { driver, clock, group, options } = this.consumer.parts;
    const leaseMs = this.consumer.takeoverMs;
    this.resyncing = true;
    this.generation += 1;
    this.failSteps();
    for (const lane of this.lanes.all()) {
      if (lane.state === 'running') this.lanes.dropItems(lane);
      else this.lanes.drop(lane);
    }
    this.resumedKeys.clear();
    const sentMs = clock.monotonicMs();
    let taken: Taken;
    try {
      taken = await driver.take(this.at, group, { consumer: options.consumer, leaseMs, fence: this.fence });
    } catch (error) {
      this.resyncing = false;
      if (this.isGone) return;
      this.consumer.fault(error);
      this.resyncLater();
      return;
    }
    this.resyncing = false;
    if (this.isGone) return;
    // A fence of its own again, after someone else may have owned it: what runs is stale.
    if (taken.status === 'held' || !taken.continued || taken.incarnation !== this.incarnation) return this.lose();
    this.leasedUntilMs = sentMs + leaseMs;
    this.committed = taken.committed;
    this.cursor = taken.committed;
    this.open = taken.open;
    this.inDoubt = false;
    this.failedResyncs = 0;
    this.poll();
    if (taken.resumed > 0) this.lookForResumed();
    this.releaseWhenDone();
  }

  private watchLease(): Timer {
    const { clock } = this.consumer.parts;
    return clock.after(Math.max(0, this.leasedUntilMs - clock.monotonicMs()), () => {
      if (clock.monotonicMs() >= this.leasedUntilMs) this.lose();
      else this.leaseTimer = this.watchLease();
    });
  }

  /** Begins nothing more, and gives the partition up once its handlers are done. */
  leave(): Promise<void> {
    if (!this.left) {
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((resolved) => (resolve = resolved));
      this.left = { promise, resolve };
      for (const lane of this.lanes.all()) {
        if (lane.current === undefined && lane.state !== 'settling') this.lanes.drop(lane);
      }
      this.releaseWhenDone();
    }
    return this.left.promise;
  }

  /** Aborts the handlers that still run; their deliveries do not count. Answers how many. */
  handBack(): number {
    let count = 0;
    for (const lane of this.lanes.all()) {
      const item = lane.current;
      if (!item || lane.state !== 'running') continue;
      count += 1;
      lane.current = undefined;
      this.handBackOne(item);
      this.lanes.drop(lane);
      item.abort?.abort(new Error('the consumer stops'));
    }
    this.releaseWhenDone();
    return count;
  }

  /** It is not this consumer's any more: what its handlers still do is stale. */
  lose(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.leaseTimer.cancel();
    this.resyncTimer?.cancel();
    if (!this.flushing) this.failSteps();
    for (const lane of this.lanes.all()) {
      const item = lane.state === 'running' ? lane.current : undefined;
      lane.current = undefined;
      this.lanes.drop(lane);
      item?.abort?.abort(new Error('the ownership of the partition was lost'));
    }
    this.left?.resolve();
    this.consumer.gone(this);
  }

  private handBackOne(item: Item): void {
    if (item.generation !== this.generation) return;
    this.report({
      step: { kind: 'handBack', at: item.at, attempt: item.attempts - 1 },
      applied: () => undefined,
      failed: () => undefined,
    });
  }

  private releaseWhenDone(): void {
    if (!this.leaving || this.releasing || this.isGone || this.inDoubt) return;
    if (this.busy || this.flushing || this.steps.length > 0 || this.unreported.size > 0) return;
    this.releasing = true;
    const { driver, group } = this.consumer.parts;
    driver
      .release(this.at, group, this.fence)
      .catch((error: unknown) => this.consumer.fault(error))
      .finally(() => this.lose());
  }
}
