export type ShutdownPhase = 'work' | 'connections';

/**
 * What a service stops, in order: `work` (workers, consumers, relays: they finish or hand back what they hold), then
 * the edges are closed, then `connections`.
 */
export class Shutdown {
  private readonly steps: Record<ShutdownPhase, (() => Promise<unknown> | unknown)[]> = { work: [], connections: [] };

  on(phase: ShutdownPhase, step: () => Promise<unknown> | unknown): void {
    this.steps[phase].push(step);
  }

  /** Steps of a phase run at once, later-added connections first; a step that fails is told and holds up nothing. */
  async run(phase: ShutdownPhase, onError: (error: unknown) => void): Promise<void> {
    const steps = this.steps[phase].splice(0).reverse();
    const guarded = steps.map((step) => async () => {
      try {
        await step();
      } catch (error) {
        onError(error);
      }
    });
    if (phase === 'work') await Promise.all(guarded.map((step) => step()));
    else for (const step of guarded) await step();
  }
}
