import { randomUUID } from 'node:crypto';
import { BackendFault, ClosedFault } from '../call/backend-fault.js';
import type { Clock, Timer } from '../clock/clock.js';
import { countedOnMs, HeldTask } from './held-task.js';
import type { Exchanged, QueueDriver, QueueShard, Settlement } from './queue-driver.js';
import { TaskLeaseLostError } from './queue-errors.js';

export interface ShardLaneSettings {
  driver: QueueDriver;
  clock: Clock;
  timeoutMs: number;
  random: () => number;
  /** How many tasks may be asked for. */
  reserve: () => number;
  /** Ends what `reserve` began. `tookMs`: how long the exchange took, when it succeeded. */
  receive: (lane: ShardLane, tasks: readonly HeldTask[], asked: number, tookMs: number | undefined) => void;
  /** A task that has not begun is not to begin. */
  withdraw: (held: HeldTask) => void;
  /** The backend has taken it. */
  settled: (settlement: Settlement) => void;
  fault: (error: unknown) => void;
  /** The adapters were closed. */
  closed: () => void;
  /** `isFlushed` may have changed. */
  changed: () => void;
}

interface Outgoing {
  settlement: Settlement;
  held: HeldTask;
  /** Sent before, and no reply came: a refusal then says nothing. */
  uncertain: boolean;
}

/** Without a bell, a worker looks again after half of this to all of it. */
const LOOK_EVERY_MS = 1000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
const MOST_AT_ONCE = 1000;

/**
 * One worker's side of one shard. One exchange at a time carries all verdicts that have gathered, and brings new tasks;
 * meanwhile the next verdicts gather. Renews leases. After a fault it pauses with jitter, then asks for one task, two,
 * four …: the workers of a backend that comes back do not all fall upon it.
 */
export class ShardLane {
  private readonly worker = randomUUID();
  private readonly held = new Map<string, HeldTask>();
  private outgoing: Outgoing[] = [];
  private turn = 0;
  private received = 0;
  private inFlight = false;
  private scheduled = false;
  private phase: 'looking' | 'flushing' | 'ended' = 'looking';
  /** The last exchange brought fewer than asked: nothing to look for until a bell, or for a while. */
  private isEmpty = false;
  private rang = false;
  private faults = 0;
  /** How many tasks to ask for at most, while ramping up. */
  private allowance = Infinity;
  private pause: Timer | undefined;
  private nextLook: Timer | undefined;
  private nextRenewal: Timer | undefined;
  private unlisten: () => void = () => undefined;

  constructor(
    private readonly shard: QueueShard,
    private readonly settings: ShardLaneSettings,
  ) {}

  begin(): void {
    this.unlisten = this.settings.driver.listen(this.shard, () => this.onBell());
    this.nextRenewal = this.settings.clock.after(this.shard.leaseMs / 3, () => void this.renew());
    this.schedule();
  }

  get mayHaveTasks(): boolean {
    return this.phase === 'looking' && !this.isEmpty;
  }

  /** Everything said has been heard, and no task is on its way here. */
  get isFlushed(): boolean {
    return this.phase === 'ended' || (!this.inFlight && this.outgoing.length === 0 && this.received === this.turn);
  }

  settle(held: HeldTask, settlement: Settlement): void {
    held.state = 'ended';
    // The backend has said that it is another's: not ours to say anything about.
    if (!this.held.has(held.token)) return;
    this.outgoing.push({ settlement, held, uncertain: false });
    this.schedule();
  }

  /** Exchanges once all that is happening now has happened: completions of one tick travel together. */
  schedule(): void {
    if (this.scheduled || this.inFlight || this.pause || this.phase === 'ended') return;
    this.scheduled = true;
    process.nextTick(() => {
      this.scheduled = false;
      void this.exchange();
    });
  }

  /** Takes no more; what is settled from now on still goes out. */
  stopLooking(): void {
    if (this.phase !== 'looking') return;
    this.phase = 'flushing';
    this.unlisten();
    this.nextLook?.cancel();
    this.schedule();
  }

  /** Ends a pause. */
  hurry(): void {
    this.pause?.cancel();
    this.pause = undefined;
    this.schedule();
  }

  end(): void {
    if (this.phase === 'ended') return;
    this.phase = 'ended';
    this.unlisten();
    for (const timer of [this.pause, this.nextLook, this.nextRenewal]) timer?.cancel();
    this.held.clear();
    this.outgoing = [];
  }

  /** A method: what was known of `phase` before an await is not known after it. */
  private hasEnded(): boolean {
    return this.phase === 'ended';
  }

  private onBell(): void {
    this.rang = true;
    this.isEmpty = false;
    this.schedule();
  }

  private async exchange(): Promise<void> {
    if (this.inFlight || this.pause || this.phase === 'ended') return;
    const isOwed = this.phase === 'flushing' && this.received < this.turn;
    const hasWord = this.outgoing.length > 0 || isOwed;
    const asked = this.phase === 'looking' && (hasWord || !this.isEmpty) ? this.settings.reserve() : 0;
    if (!hasWord && asked === 0) return;

    const want = Math.min(asked, this.allowance, MOST_AT_ONCE);
    const sent = this.outgoing.slice(0, MOST_AT_ONCE);
    const settle = sent.map(({ settlement }) => settlement);
    const { clock, driver } = this.settings;
    const { worker, received } = this;
    const turn = (this.turn += 1);
    const sentAtMs = clock.monotonicMs();
    this.inFlight = true;
    this.rang = false;
    try {
      const reply = await driver.exchange(this.shard, { worker, turn, received, settle, want });
      this.inFlight = false;
      if (this.hasEnded()) return;
      this.received = turn;
      this.heard(sent, reply);
      this.recover();
      if (this.phase === 'looking') this.lookLater(want, reply);
      const tasks = this.take(reply, sentAtMs);
      this.settings.receive(this, tasks, asked, clock.monotonicMs() - sentAtMs);
      this.schedule();
    } catch (error) {
      this.inFlight = false;
      if (this.hasEnded()) return;
      if (!(error instanceof BackendFault) || error.effect === 'unknown')
        for (const each of sent) each.uncertain = true;
      this.settings.receive(this, [], asked, undefined);
      if (error instanceof ClosedFault) this.settings.closed();
      else this.rest(error);
    }
    this.settings.changed();
  }

  private heard(sent: readonly Outgoing[], { refused }: Exchanged): void {
    this.outgoing.splice(0, sent.length);
    const no = new Set(refused);
    for (const { settlement, held, uncertain } of sent) {
      this.held.delete(settlement.token);
      if (!no.has(settlement.token)) this.settings.settled(settlement);
      else if (!uncertain) this.lose(held);
    }
  }

  private take({ taken }: Exchanged, takenAtMs: number): HeldTask[] {
    const tasks: HeldTask[] = [];
    for (const each of taken) {
      if (this.held.has(each.token)) continue;
      const held = new HeldTask(each, takenAtMs, this.shard.leaseMs);
      this.held.set(each.token, held);
      tasks.push(held);
    }
    return tasks;
  }

  private lookLater(want: number, { taken, nextDueMs }: Exchanged): void {
    this.isEmpty = want > 0 && taken.length < want && nextDueMs !== 0 && !this.rang;
    this.nextLook?.cancel();
    this.nextLook = undefined;
    if (!this.isEmpty) return;
    const lookMs = LOOK_EVERY_MS * (0.5 + this.settings.random() / 2);
    // A moment after: whose lease it is has given it up by then.
    this.nextLook = this.settings.clock.after(Math.min(lookMs, (nextDueMs ?? lookMs) + 1), () => {
      this.isEmpty = false;
      this.schedule();
    });
  }

  /** After a fault: a pause, longer each time. Verdicts wait; they are few, since no task comes in. */
  private rest(error: unknown): void {
    this.settings.fault(error);
    const boundMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.faults, 10));
    this.faults += 1;
    this.allowance = 1;
    // What was rung for meanwhile is not known.
    this.isEmpty = false;
    this.pause = this.settings.clock.after(boundMs * (0.5 + this.settings.random() / 2), () => this.hurry());
  }

  private recover(): void {
    this.faults = 0;
    if (this.allowance < MOST_AT_ONCE) this.allowance *= 2;
    else this.allowance = Infinity;
  }

  private async renew(): Promise<void> {
    const { clock, driver, timeoutMs } = this.settings;
    const { leaseMs } = this.shard;
    const sentAtMs = clock.monotonicMs();
    this.giveUpWhatIsOver(sentAtMs);
    const tasks = [...this.held.values()].filter((held) => held.state !== 'ended' && !held.lost);
    // Signals must abort when the first lease ends, answer or none.
    const firstEndMs = tasks.reduce((least, held) => Math.min(least, held.expiresAtMs - sentAtMs), leaseMs);
    const watch = clock.after(firstEndMs, () => this.giveUpWhatIsOver(clock.monotonicMs()));
    let failed = false;
    for (let from = 0; from < tasks.length && !failed; from += MOST_AT_ONCE) {
      const part = tasks.slice(from, from + MOST_AT_ONCE);
      try {
        const tokens = part.map((held) => held.token);
        const lost = new Set(await driver.renew(this.shard, tokens, { budgetMs: Math.min(timeoutMs, firstEndMs) }));
        for (const held of part) {
          if (!lost.has(held.token)) held.expiresAtMs = sentAtMs + countedOnMs(leaseMs);
          else if (held.state !== 'ended') this.forget(held);
        }
      } catch (error) {
        failed = true;
        if (this.phase !== 'ended') this.settings.fault(error);
      }
    }
    watch.cancel();
    if (this.phase === 'ended') return;
    this.nextRenewal = clock.after(failed ? this.untilNextTry(tasks) : leaseMs / 3, () => void this.renew());
  }

  /** Gives up tasks whose lease has ended by our clock, and those held ready for longer than a lease. */
  private giveUpWhatIsOver(nowMs: number): void {
    for (const held of [...this.held.values()]) {
      if (held.state === 'ended') continue;
      const isOver = held.expiresAtMs <= nowMs;
      if (held.state === 'ready' && (isOver || nowMs - held.takenAtMs > this.shard.leaseMs)) {
        this.settings.withdraw(held);
        this.settle(held, { token: held.token, verdict: 'release' });
      } else if (isOver) {
        // Perhaps still ours: its verdict is tried, the backend decides.
        this.lose(held);
      }
    }
  }

  private untilNextTry(tasks: readonly HeldTask[]): number {
    const nowMs = this.settings.clock.monotonicMs();
    let inMs = (this.shard.leaseMs / 10) * (0.5 + this.settings.random() / 2);
    // Signals must abort when the lease ends, not a while later.
    for (const held of tasks)
      if (held.state === 'running' && !held.lost) inMs = Math.min(inMs, held.expiresAtMs - nowMs);
    return Math.max(0, inMs);
  }

  /** The backend says that it is not ours. */
  private forget(held: HeldTask): void {
    this.held.delete(held.token);
    if (held.state === 'ready') this.settings.withdraw(held);
    this.lose(held);
  }

  private lose(held: HeldTask): void {
    if (held.lost) return;
    held.lost = true;
    const error = new TaskLeaseLostError(this.shard.queue, held.taken.id);
    held.abort(error);
    this.settings.fault(error);
  }
}
