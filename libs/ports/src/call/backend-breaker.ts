import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen, BrokenCircuitError } from 'cockatiel';
import { TimeoutFault, UnavailableFault } from './backend-fault.js';

export interface BreakerOptions {
  /** So many calls in a row must fail before the backend is left alone. Default 3. */
  failures?: number;
  /** How long it is left alone before one call tries it again. Default 1000 ms. */
  openMs?: number;
}

/**
 * Leaves a backend alone that does not answer, so that callers do not each wait for a time-out, and tries it with one
 * call every `openMs` (half-open). Only `UnavailableFault` and `TimeoutFault` count as failures.
 * Source: M. Nygard, "Release It!", circuit breaker.
 */
export class BackendBreaker {
  readonly openMs: number;
  private readonly breaker;

  constructor(
    private readonly port: string,
    options: BreakerOptions = {},
  ) {
    this.openMs = options.openMs ?? 1_000;
    this.breaker = circuitBreaker(
      handleWhen((error) => error instanceof UnavailableFault || error instanceof TimeoutFault),
      { breaker: new ConsecutiveBreaker(options.failures ?? 3), halfOpenAfter: this.openMs },
    );
  }

  /** @throws UnavailableFault (effect `none`) at once while the backend is left alone; else what `work` throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    // Cockatiel would let the others wait for the one that tries.
    if (this.breaker.state === CircuitState.HalfOpen) throw this.leftAlone();
    try {
      return await this.breaker.execute(work);
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw this.leftAlone();
      throw error;
    }
  }

  private leftAlone(): UnavailableFault {
    return new UnavailableFault('the backend failed too often and is left alone for a moment', {
      effect: 'none',
      operation: this.port,
    });
  }
}
