import { bulkhead, BulkheadRejectedError } from 'cockatiel';

export interface BulkheadOptions {
  /** Loads at once. Default 8. */
  loads?: number;
  /** Loads that wait for their turn. Default 32. */
  queue?: number;
}

/** No room: as many loads run and wait as are allowed. */
export class BulkheadFullError extends Error {}

/** Bounds what reaches the owner of the values while the cache is away. */
export class LoadBulkhead {
  private readonly bulkhead;

  constructor(options: BulkheadOptions = {}) {
    this.bulkhead = bulkhead(options.loads ?? 8, options.queue ?? 32);
  }

  /**
   * A load whose `signal` aborts before its turn is never run.
   * @throws BulkheadFullError at once when there is no room
   */
  async run<T>(load: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await this.bulkhead.execute(load, signal);
    } catch (error) {
      if (error instanceof BulkheadRejectedError) throw new BulkheadFullError('the bulkhead is full', { cause: error });
      throw error;
    }
  }
}
