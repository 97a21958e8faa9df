import type { TakenTask } from './queue-driver.js';
import type { Task } from './task-queue.js';

/**
 * `ready`: taken ahead, its handler has not begun. `running`: its handler has it. `ended`: its verdict is on the way,
 * or it is not ours any more.
 */
export type HeldState = 'ready' | 'running' | 'ended';

/**
 * How long its holder counts on a lease, ms: a twentieth less than it is, so that a signal whose timer fires late, on a
 * busy machine, still aborts before another can hold the task.
 */
export const countedOnMs = (leaseMs: number): number => leaseMs - leaseMs / 20;

/** A task under this worker's lease. */
export class HeldTask {
  state: HeldState = 'ready';
  /** Another may hold it now: the backend said so, or its lease ran out by our clock. Told once. */
  lost = false;
  /** Monotonic. The lease ends a little later. */
  expiresAtMs: number;
  private controller: AbortController | undefined;
  private abortedBy: { reason: unknown } | undefined;

  constructor(
    readonly taken: TakenTask,
    /** Monotonic. */
    readonly takenAtMs: number,
    leaseMs: number,
  ) {
    this.expiresAtMs = takenAtMs + countedOnMs(leaseMs);
  }

  get token(): string {
    return this.taken.token;
  }

  /** Made when first asked for: an AbortController costs more than many a handler. */
  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.abortedBy) this.controller.abort(this.abortedBy.reason);
    }
    return this.controller.signal;
  }

  abort(reason: unknown): void {
    if (this.abortedBy) return;
    this.abortedBy = { reason };
    this.controller?.abort(reason);
  }
}

/** What a handler gets. */
export class TaskInHand<T> implements Task<T> {
  constructor(
    private readonly held: HeldTask,
    readonly payload: T,
  ) {}

  get id(): string {
    return this.held.taken.id;
  }

  get attempt(): number {
    return this.held.taken.attempt;
  }

  get signal(): AbortSignal {
    return this.held.signal;
  }
}
