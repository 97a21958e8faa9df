import { sql } from 'kysely';
import type { SqlExecutor } from '../unit-of-work/sql-executor.js';

export interface BellSettings {
  db: SqlExecutor;
  channel: string;
  onFault: (error: unknown) => void;
}

/**
 * Tells relays that a partition has something new, after the commit. A relay of this process that owns the partition
 * hears it without a round trip; what nobody here owns goes out as one NOTIFY at a time, whatever came meanwhile in
 * the next. A ring may be lost: relays look by themselves, every second at the latest.
 *
 * Not NOTIFY within the transaction: that takes one lock for the whole server at each commit.
 */
export class OutboxBell {
  readonly #here = new Set<(partition: number) => boolean>();
  #due = new Set<number>();
  #sending = false;

  constructor(private readonly settings: BellSettings) {}

  get channel(): string {
    return this.settings.channel;
  }

  /** `hear` answers whether the partition is its own. */
  listen(hear: (partition: number) => boolean): { stop(): void } {
    this.#here.add(hear);
    return { stop: () => void this.#here.delete(hear) };
  }

  ring(partition: number): void {
    let heard = false;
    for (const hear of this.#here) heard = hear(partition) || heard;
    if (heard) return;
    this.#due.add(partition);
    if (!this.#sending) void this.#send();
  }

  async #send(): Promise<void> {
    this.#sending = true;
    try {
      while (this.#due.size > 0) {
        const partitions = [...this.#due].join(',');
        this.#due = new Set();
        await sql`select pg_notify(${this.settings.channel}, ${partitions})`.execute(this.settings.db);
      }
    } catch (error) {
      this.settings.onFault(error);
    } finally {
      this.#sending = false;
    }
  }
}
