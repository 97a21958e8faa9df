import type { Clock, Timer } from '@redstart/ports';

export interface LoopParts {
  clock: Clock;
  /** From the end of one run to the start of the next, ms; jittered down by up to a quarter, so that replicas spread. */
  everyMs: number;
  /** Answers `'again'` when there is more to do at once. */
  task: (signal: AbortSignal) => Promise<'again' | void>;
  /** Told of each run that failed; the next one comes as usual. */
  onFault: (error: unknown) => void;
}

/** A task that runs again and again, never twice at once, until it is stopped. */
export class Loop {
  private readonly ending = new AbortController();
  private timer: Timer | undefined;
  private running: Promise<void> | undefined;
  private wanted = false;

  constructor(private readonly parts: LoopParts) {
    this.nudge();
  }

  /** Runs as soon as the present run, if any, has ended. */
  nudge(): void {
    if (this.ending.signal.aborted) return;
    this.timer?.cancel();
    if (this.running) {
      this.wanted = true;
      return;
    }
    this.running = this.run().finally(() => {
      this.running = undefined;
      if (this.wanted) return this.nudge();
      this.timer = this.parts.clock.after(this.parts.everyMs * (0.75 + Math.random() / 4), () => this.nudge());
    });
  }

  /** Resolves when the present run, whose signal aborts, has ended. */
  async stop(): Promise<void> {
    this.ending.abort();
    this.timer?.cancel();
    await this.running;
    this.timer?.cancel();
  }

  private async run(): Promise<void> {
    this.wanted = false;
    try {
      while ((await this.parts.task(this.ending.signal)) === 'again' && !this.ending.signal.aborted);
    } catch (error) {
      if (!this.ending.signal.aborted) this.parts.onFault(error);
    }
  }
}
