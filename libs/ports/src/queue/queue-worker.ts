import type { Running } from '../call/call.js';
import type { Clock } from '../clock/clock.js';
import { backoffMs } from './backoff.js';
import { type HeldTask, TaskInHand } from './held-task.js';
import type { QueueDriver, QueueShard, Settlement } from './queue-driver.js';
import { WorkerStoppedError } from './queue-errors.js';
import { ShardLane } from './shard-lane.js';
import { decodeBody } from './task-body.js';
import type { Queue, Task, Verdict } from './task-queue.js';

export interface QueueWorkerSettings<T> {
  queue: Queue<T>;
  shards: readonly QueueShard[];
  driver: QueueDriver;
  handle: (task: Task<T>) => Promise<Verdict>;
  concurrency: number;
  clock: Clock;
  timeoutMs: number;
  random: () => number;
  onFault: (error: unknown) => void;
  onEnd: () => void;
}

/** Tasks taken ahead of need, at most. */
const MOST_AHEAD = 64;
const LONGEST_REASON = 1000;

/** Runs handlers for tasks that its lanes, one a shard, bring in; and brings the verdicts back to them. */
export class QueueWorker<T> implements Running {
  private readonly lanes: readonly ShardLane[];
  private readonly laneOf = new Map<HeldTask, ShardLane>();
  private readonly ready: HeldTask[] = [];
  private readonly running = new Set<HeldTask>();
  /** Of tasks that lanes are asking for now. */
  private reserved = 0;
  private phase: 'working' | 'stopping' | 'ended' = 'working';
  private stopped: Promise<{ finished: number; handedBack: number }> | undefined;
  private finished = 0;
  private handedBack = 0;
  private changed: () => void = () => undefined;
  /** Moving averages, ms. */
  private handlerMs: number | undefined;
  private exchangeMs: number | undefined;

  constructor(private readonly settings: QueueWorkerSettings<T>) {
    const { concurrency } = settings;
    if (!Number.isSafeInteger(concurrency) || concurrency < 1 || concurrency > 900) {
      throw new RangeError(`concurrency is ${concurrency}, not an integer from 1 to 900`);
    }
    this.lanes = settings.shards.map(
      (shard) =>
        new ShardLane(shard, {
          driver: settings.driver,
          clock: settings.clock,
          timeoutMs: settings.timeoutMs,
          random: settings.random,
          reserve: () => this.reserve(),
          receive: (lane, tasks, asked, tookMs) => this.receive(lane, tasks, asked, tookMs),
          withdraw: (held) => this.withdraw(held),
          settled: (settlement) => this.countSettled(settlement),
          fault: (error) => this.report(error),
          closed: () => this.halt(),
          changed: () => this.changed(),
        }),
    );
  }

  begin(): void {
    for (const lane of this.lanes) lane.begin();
  }

  stop(options: { deadlineMs: number }): Promise<{ finished: number; handedBack: number }> {
    this.stopped ??= this.shutDown(options.deadlineMs);
    return this.stopped;
  }

  /** Like `stop` with a deadline of 0: what is not done yet goes back. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ deadlineMs: 0 });
  }

  /** Ends at once, without another word to the backend. */
  halt(): void {
    if (this.phase === 'ended') return;
    this.phase = 'ended';
    for (const lane of this.lanes) lane.end();
    for (const held of this.running) held.abort(this.stoppedError(held));
    this.ready.length = 0;
    this.changed();
    this.settings.onEnd();
  }

  private async shutDown(deadlineMs: number): Promise<{ finished: number; handedBack: number }> {
    if (this.phase === 'working') {
      const endsAtMs = this.settings.clock.monotonicMs() + deadlineMs;
      this.phase = 'stopping';
      for (const held of this.ready.splice(0)) this.handBack(held);
      for (const lane of this.lanes) lane.stopLooking();
      await this.until(() => this.running.size === 0, deadlineMs);
      for (const held of [...this.running]) {
        held.abort(this.stoppedError(held));
        this.running.delete(held);
        this.handBack(held);
      }
      for (const lane of this.lanes) lane.hurry();
      const leftMs = Math.max(this.settings.timeoutMs, endsAtMs - this.settings.clock.monotonicMs());
      await this.until(() => this.lanes.every((lane) => lane.isFlushed), leftMs);
      this.halt();
    }
    return { finished: this.finished, handedBack: this.handedBack };
  }

  /** Waits until `isTrue`, which is asked at each change, but no longer than `forMs`, and not for an ended worker. */
  private async until(isTrue: () => boolean, forMs: number): Promise<void> {
    if (forMs <= 0 || isTrue()) return;
    const over = new AbortController();
    this.changed = () => {
      if (isTrue() || this.phase === 'ended') over.abort();
    };
    await this.settings.clock.sleep(forMs, over.signal);
    this.changed = () => undefined;
  }

  /** How many more tasks a lane may bring. They count as held until it says what it got. */
  private reserve(): number {
    if (this.phase !== 'working') return 0;
    const { concurrency } = this.settings;
    const free = concurrency + this.ahead() - this.running.size - this.ready.length - this.reserved;
    if (free <= 0) return 0;
    const hopeful = this.lanes.filter((lane) => lane.mayHaveTasks).length;
    const share = Math.ceil(free / Math.max(1, hopeful));
    this.reserved += share;
    return share;
  }

  /**
   * Tasks to hold beyond those that run: as many as the handlers end while two exchanges are on their way (one has just
   * left without asking for the place that becomes free now), so that none of them waits. None while handlers are slow: a
   * task held ready here is a task that an idle worker cannot take.
   */
  private ahead(): number {
    if (this.handlerMs === undefined || this.exchangeMs === undefined) return 0;
    const { concurrency } = this.settings;
    return Math.min(MOST_AHEAD, Math.floor((2 * concurrency * this.exchangeMs) / Math.max(this.handlerMs, 0.001)));
  }

  private receive(lane: ShardLane, tasks: readonly HeldTask[], asked: number, tookMs: number | undefined): void {
    this.reserved -= asked;
    if (tookMs !== undefined) this.exchangeMs = average(this.exchangeMs, tookMs);
    for (const held of tasks) {
      this.laneOf.set(held, lane);
      // Asked for before the stop, or delivered again because a reply was lost.
      if (this.phase === 'working') this.ready.push(held);
      else this.handBack(held);
    }
    this.fill();
  }

  /** A lane takes a task back that has not begun for all of a lease: handlers are as slow as that now. */
  private withdraw(held: HeldTask): void {
    this.handlerMs = Math.max(this.handlerMs ?? 0, this.settings.queue.leaseMs);
    const at = this.ready.indexOf(held);
    if (at >= 0) this.ready.splice(at, 1);
    this.laneOf.delete(held);
  }

  private fill(): void {
    while (this.phase === 'working' && this.running.size < this.settings.concurrency) {
      const held = this.ready.shift();
      if (!held) break;
      if (held.expiresAtMs <= this.settings.clock.monotonicMs()) this.handBack(held);
      else void this.run(held);
    }
    if (this.phase === 'working') for (const lane of this.lanes) lane.schedule();
  }

  private async run(held: HeldTask): Promise<void> {
    held.state = 'running';
    this.running.add(held);
    let payload: T;
    try {
      payload = decodeBody(this.settings.queue.codec, held.taken.body);
    } catch (error) {
      this.report(error);
      this.end(held, { token: held.token, verdict: 'dead', reason: reasonOf(error) });
      return;
    }
    const { clock, handle } = this.settings;
    const startedMs = clock.monotonicMs();
    let settlement: Settlement;
    try {
      settlement = this.settlementOf(held, await handle(new TaskInHand(held, payload)));
    } catch (error) {
      this.report(error);
      settlement = this.afterThrow(held, error);
    }
    this.handlerMs = average(this.handlerMs, clock.monotonicMs() - startedMs);
    this.end(held, settlement);
  }

  private end(held: HeldTask, settlement: Settlement): void {
    // Handed back meanwhile, or the worker has ended: the verdict comes too late.
    if (!this.running.delete(held)) return;
    this.laneFor(held)?.settle(held, settlement);
    this.fill();
    this.changed();
  }

  private handBack(held: HeldTask): void {
    this.laneFor(held)?.settle(held, { token: held.token, verdict: 'release' });
  }

  private laneFor(held: HeldTask): ShardLane | undefined {
    const lane = this.laneOf.get(held);
    this.laneOf.delete(held);
    return lane;
  }

  private settlementOf(held: HeldTask, verdict: Verdict): Settlement {
    const { token } = held;
    if (verdict === 'done') return { token, verdict };
    if (typeof verdict === 'object' && 'dead' in verdict) {
      return { token, verdict: 'dead', reason: shortened(verdict.dead) };
    }
    if (typeof verdict === 'object' && Number.isFinite(verdict.retryInMs)) {
      const inMs = Math.max(0, Math.round(verdict.retryInMs));
      const count = verdict.countAttempt ?? true;
      if (count && this.isLast(held))
        return { token, verdict: 'dead', reason: 'asked for a retry, and no attempt is left' };
      return { token, verdict: 'retry', inMs, count };
    }
    throw new TypeError(`a handler's verdict is ${JSON.stringify(verdict)}`);
  }

  private afterThrow(held: HeldTask, error: unknown): Settlement {
    const { token } = held;
    if (this.isLast(held)) return { token, verdict: 'dead', reason: reasonOf(error) };
    const inMs = backoffMs(this.settings.queue.backoff, held.taken.attempt, this.settings.random);
    return { token, verdict: 'retry', inMs, count: true };
  }

  private isLast(held: HeldTask): boolean {
    return held.taken.attempt >= this.settings.queue.attempts;
  }

  private countSettled(settlement: Settlement): void {
    if (this.phase === 'working') return;
    if (settlement.verdict === 'release') this.handedBack += 1;
    else this.finished += 1;
  }

  private stoppedError(held: HeldTask): WorkerStoppedError {
    return new WorkerStoppedError(this.settings.queue.name, held.taken.id);
  }

  private report(error: unknown): void {
    try {
      this.settings.onFault(error);
    } catch {
      // A listener that throws is not to stop the work it listens to.
    }
  }
}

function average(before: number | undefined, value: number): number {
  return before === undefined ? value : before + (value - before) / 16;
}

function reasonOf(error: unknown): string {
  return shortened(error instanceof Error ? error.message || error.name : String(error));
}

function shortened(reason: string): string {
  return [...reason.slice(0, LONGEST_REASON * 2)].slice(0, LONGEST_REASON).join('');
}
