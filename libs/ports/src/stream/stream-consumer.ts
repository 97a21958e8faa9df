import { type Running } from '../call/call.js';
import { type Clock, type Timer } from '../clock/clock.js';
import { type Consume, type Delivered, type Handled, type Stream } from './event-stream.js';
import { type Lane } from './lanes.js';
import { OwnedPartition } from './owned-partition.js';
import { type Bell, type Listening, type Member, type StreamDriver } from './stream-driver.js';

export interface StreamConsumerParts<E> {
  driver: StreamDriver;
  clock: Clock;
  stream: Stream<E>;
  group: string;
  handle: (delivered: Delivered<E>) => Promise<Handled>;
  options: Consume;
  maxParkedBytes: number;
  onStopped: () => void;
}

const CONCURRENCY = 16;
/** Without a bell, a partition is looked at so often. */
const POLL_MS = 1000;
/** Beats in the time after which a silent consumer counts as dead. */
const BEATS = 3;
const BEAT_RETRY_MS = 50;
const BEAT_MAX_RETRY_MS = 1000;
/** For leaving, when the backend does not answer. */
const FAREWELL_MS = 1000;

/**
 * One consumer of a group: a member that beats, owns its fair share of the partitions, and hands their events to the
 * handler, one a subject and `concurrency` in all.
 *
 * Sharing needs no leader: all see the same members in the same order, so each knows how many partitions it may have.
 * Who has more gives some up once their handlers are done; who has less takes what is free. What everyone has, stays.
 */
export class StreamConsumer<E> implements Running {
  readonly owned: ReadonlySet<number>;
  readonly takeoverMs: number;
  private readonly ownedNow = new Set<number>();
  private readonly partitions = new Map<number, OwnedPartition<E>>();
  /** Handlers that run, by partition and subject: an ownership that was lost may still have some. */
  private readonly running = new Map<string, Promise<void>>();
  private readonly waitingForSlot: Lane<E>[] = [];
  private readonly concurrency: number;
  /** Slots given out at present at most: after an outage few, then more with each handler that ends. */
  private slots: number;
  private taken = 0;
  private listening: Listening | undefined;
  private beatTimer: Timer | undefined;
  private renewTimer: Timer | undefined;
  private pollTimer: Timer | undefined;
  private beating: Promise<void> | undefined;
  private beatAgain = false;
  private failedBeats = 0;
  private joined = false;
  private handled = 0;
  private stopped: Promise<{ finished: number; handedBack: number }> | undefined;
  private readonly unlink: () => void;

  constructor(readonly parts: StreamConsumerParts<E>) {
    this.owned = this.ownedNow;
    this.concurrency = parts.options.concurrency ?? CONCURRENCY;
    this.slots = this.concurrency;
    this.takeoverMs = parts.options.takeoverMs;
    const { signal } = parts.options;
    const onAbort = () => void this.stop({ deadlineMs: 0 });
    signal?.addEventListener('abort', onAbort, { once: true });
    this.unlink = () => signal?.removeEventListener('abort', onAbort);
  }

  get stopping(): boolean {
    return this.stopped !== undefined;
  }

  start(): void {
    const { driver, stream, group, options } = this.parts;
    if (options.signal?.aborted) {
      void this.stop({ deadlineMs: 0 });
      return;
    }
    this.listening = driver.listen(stream.name, group, (bell) => this.onBell(bell));
    this.poll();
    this.renew();
    this.beat();
  }

  stop({ deadlineMs }: { deadlineMs: number }): Promise<{ finished: number; handedBack: number }> {
    this.stopped ??= this.shutDown(deadlineMs);
    return this.stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ deadlineMs: 0 });
  }

  /** The lane has an event to hand out. */
  ready(lane: Lane<E>): void {
    this.waitingForSlot.push(lane);
    this.fillSlots();
  }

  freeSlot(): void {
    this.taken -= 1;
    this.fillSlots();
  }

  /**
   * The subject is kept until the answer is called, whoever owns the partition then: a handler of an ownership that was
   * lost may run on. It gives the slot back too, without filling it.
   */
  occupy(lane: Lane<E>): () => void {
    const key = occupant(lane);
    let over: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => (over = resolve));
    this.running.set(key, promise);
    return () => {
      if (this.running.get(key) === promise) this.running.delete(key);
      this.handled += 1;
      this.slots = Math.min(this.concurrency, this.slots + 1);
      this.taken -= 1;
      over();
    };
  }

  /** The backend did not do what it should: begin gently when it does again. */
  fault(error: unknown): void {
    // One more than run now: they may take long, or never end.
    this.slots = Math.min(this.concurrency, this.running.size + 1);
    this.tell(error);
  }

  tell(error: unknown): void {
    this.parts.options.onFault?.(error);
  }

  /** The partition is not this consumer's any more. */
  gone(partition: OwnedPartition<E>): void {
    if (this.partitions.get(partition.number) !== partition) return;
    this.partitions.delete(partition.number);
    this.ownedNow.delete(partition.number);
    this.listening?.remove(partition.number);
    if (!this.stopping) this.beat();
  }

  private beat(): void {
    this.beatTimer?.cancel();
    if (this.beating) {
      this.beatAgain = true;
      return;
    }
    this.beating = this.beatUntilCalm();
  }

  private async beatUntilCalm(): Promise<void> {
    let nextMs = this.takeoverMs / BEATS;
    try {
      do {
        this.beatAgain = false;
        nextMs = await this.beatOnce();
      } while (this.beatAgain && !this.stopping);
      this.failedBeats = 0;
    } catch (error) {
      this.beatAgain = false;
      this.failedBeats += 1;
      this.fault(error);
      nextMs = Math.min(nextMs, backoffMs(this.failedBeats));
    }
    this.beating = undefined;
    if (this.stopping) return;
    this.beatTimer = this.parts.clock.after(nextMs, () => this.beat());
    if (this.beatAgain) this.beat();
  }

  /** Answers when to beat next, ms. */
  private async beatOnce(): Promise<number> {
    const { driver, stream, group, options } = this.parts;
    const { consumer } = options;
    const members = await driver.join(stream.name, group, { consumer, ttlMs: this.takeoverMs });
    if (this.stopping) return 0;
    // On all partitions, so that none is trimmed before someone of the group has come to it. Only a group that nobody
    // knew begins at the end: one that the backend lost must not skip what was written meanwhile.
    const startAt = this.joined ? 'beginning' : (options.startAt ?? 'beginning');
    await Promise.all(
      this.unowned().map((partition) => driver.register({ stream: stream.name, partition }, group, startAt)),
    );
    this.joined = true;
    return this.share(members);
  }

  private async share(members: readonly Member[]): Promise<number> {
    const { consumer } = this.parts.options;
    const others = members.filter((member) => member.consumer !== consumer);
    const deathsMs = others.map((member) => member.remainingMs + 1);
    const beatMs = Math.min(this.takeoverMs / BEATS, ...deathsMs);
    const rank = members.findIndex((member) => member.consumer === consumer);
    const { partitions } = this.parts.stream;
    const share = Math.floor(partitions / members.length) + (rank < partitions % members.length ? 1 : 0);
    const kept = [...this.partitions.values()].filter((partition) => !partition.leaving);
    for (const partition of kept.slice(share)) void partition.leave();
    const leasesMs = await this.takeUpTo(share - kept.length, rank);
    return Math.max(1, Math.min(beatMs, ...leasesMs));
  }

  /** Takes free partitions until `wanted` are. When too few are, answers in how many ms the leases of others end. */
  private async takeUpTo(wanted: number, rank: number): Promise<number[]> {
    const { driver, stream, group, options } = this.parts;
    const candidates = this.unowned();
    // Begin at different ones, so that consumers that start together do not all ask for the same.
    const from = (rank * Math.max(1, wanted)) % Math.max(1, candidates.length);
    const queue = [...candidates.slice(from), ...candidates.slice(0, from)];
    const leasesMs: number[] = [];
    let missing = wanted;
    while (missing > 0 && queue.length > 0 && !this.stopping) {
      const wave = queue.splice(0, missing);
      const sentMs = this.parts.clock.monotonicMs();
      const answers = await Promise.allSettled(
        wave.map((partition) =>
          driver.take({ stream: stream.name, partition }, group, {
            consumer: options.consumer,
            leaseMs: this.takeoverMs,
          }),
        ),
      );
      let failed: PromiseRejectedResult | undefined;
      answers.forEach((answer, index) => {
        if (answer.status === 'rejected') failed = answer;
        else if (answer.value.status === 'held') leasesMs.push(answer.value.remainingMs + 1);
        else {
          missing -= 1;
          this.own(new OwnedPartition<E>(this, wave[index] as number, answer.value, sentMs + this.takeoverMs));
        }
      });
      if (failed) throw failed.reason;
    }
    return missing > 0 ? leasesMs : [];
  }

  private own(partition: OwnedPartition<E>): void {
    this.partitions.set(partition.number, partition);
    this.ownedNow.add(partition.number);
    this.listening?.add(partition.number);
    if (this.stopping) void partition.leave();
    else partition.poll();
  }

  private unowned(): number[] {
    const all = Array.from({ length: this.parts.stream.partitions }, (_, partition) => partition);
    return all.filter((partition) => !this.partitions.has(partition));
  }

  private onBell(bell: Bell): void {
    if (this.stopping) return;
    if (bell.rung === 'group') this.beat();
    else if (bell.rung === 'appended') this.partitions.get(bell.partition)?.poll();
    else if (bell.rung === 'resumed') this.partitions.get(bell.partition)?.lookForResumed();
    else this.lookAnew();
  }

  /** The backend may be back: what waits for its next attempt need not wait longer. */
  private lookAnew(): void {
    if (this.failedBeats > 0) this.beat();
    for (const partition of this.partitions.values()) partition.lookAnew();
  }

  private poll(): void {
    this.pollAll();
    const waitMs = POLL_MS * (0.7 + 0.3 * Math.random());
    this.pollTimer = this.parts.clock.after(waitMs, () => this.poll());
  }

  /** Goes on while it stops: what it still holds stays its own until it is done. */
  private renew(): void {
    for (const partition of this.partitions.values()) partition.renew();
    this.renewTimer = this.parts.clock.after(this.takeoverMs / BEATS, () => this.renew());
  }

  private pollAll(): void {
    for (const partition of this.partitions.values()) partition.poll();
  }

  fillSlots(): void {
    while (this.taken < this.slots && !this.stopping) {
      const lane = this.waitingForSlot.shift();
      if (!lane) return;
      if (!lane.partition.mayBegin(lane)) continue;
      const earlier = this.running.get(occupant(lane));
      if (earlier) {
        // An earlier ownership's handler of this subject still runs: they never overlap.
        void earlier.then(() => this.ready(lane));
        continue;
      }
      this.taken += 1;
      lane.partition.begin(lane);
    }
  }

  private async shutDown(deadlineMs: number): Promise<{ finished: number; handedBack: number }> {
    // `stopped` is set only after this function's first wait.
    await Promise.resolve();
    const { driver, clock, stream, group, options } = this.parts;
    const before = this.handled;
    this.beatTimer?.cancel();
    this.pollTimer?.cancel();
    this.waitingForSlot.length = 0;
    // A beat under way could join again after it has left.
    await atMost(clock, FAREWELL_MS, this.beating ?? Promise.resolve());
    const farewell = driver
      .leave(stream.name, group, options.consumer, { budgetMs: FAREWELL_MS })
      .catch((error: unknown) => this.tell(error));
    const held = [...this.partitions.values()];
    const left = Promise.all(held.map((partition) => partition.leave()));
    if (deadlineMs > 0) await atMost(clock, deadlineMs, left);
    const finished = this.handled - before;
    const handedBack = held.reduce((sum, partition) => sum + partition.handBack(), 0);
    await atMost(clock, FAREWELL_MS, left);
    for (const partition of held) partition.lose();
    this.renewTimer?.cancel();
    this.listening?.close();
    await farewell;
    this.unlink();
    this.parts.onStopped();
    return { finished, handedBack };
  }
}

function occupant<E>(lane: Lane<E>): string {
  return `${lane.partition.number}/${lane.subject}`;
}

function backoffMs(failures: number): number {
  return Math.random() * Math.min(BEAT_MAX_RETRY_MS, BEAT_RETRY_MS * 2 ** Math.min(failures, 10));
}

/** Waits for `promise`, `ms` at most. */
async function atMost(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([promise, clock.sleep(ms, done.signal)]);
  done.abort();
}
