export type Health = 'up' | 'degraded' | 'down';

export interface ReadinessReport {
  status: 'ready' | 'degraded' | 'down';
  /** What works with less than it should, by name: `cache`, `stream`. */
  degraded: string[];
  down: string[];
}

/** What a service needs, each with a check. Only what is `down` takes it out of service. */
export class Readiness {
  private readonly checks = new Map<string, () => Promise<Health | { degraded: readonly string[] }>>();

  /** A check that rejects is `down`. `{degraded}` names parts of its own: the ports of a backend. */
  add(name: string, check: () => Promise<Health | { degraded: readonly string[] }>): void {
    this.checks.set(name, check);
  }

  async report(): Promise<ReadinessReport> {
    const degraded: string[] = [];
    const down: string[] = [];
    await Promise.all(
      [...this.checks].map(async ([name, check]) => {
        const health = await check().catch((): Health => 'down');
        if (typeof health === 'object') degraded.push(...health.degraded);
        else if (health === 'degraded') degraded.push(name);
        else if (health === 'down') down.push(name);
      }),
    );
    const status = down.length > 0 ? 'down' : degraded.length > 0 ? 'degraded' : 'ready';
    return { status, degraded: degraded.sort(), down: down.sort() };
  }
}
