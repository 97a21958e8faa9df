import type { Clock, EventStream, Stream, Timer } from '@redstart/ports';
import { OutboxBehindStreamError, OutboxHeldUpError, OutboxRowsDroppedError } from './outbox-errors.js';
import type { OutboxRows, PartitionLease, PlacedRow } from './outbox-rows.js';

export interface PumpSettings<E> {
  lease: PartitionLease;
  rows: OutboxRows<E>;
  target: EventStream;
  stream: Stream<E>;
  producer: string;
  clock: Clock;
  afterAppend: (rows: readonly PlacedRow<E>[], signal: AbortSignal) => Promise<void>;
  batch: number;
  /** Told once, when the lease turns out to be another's. */
  onLost: () => void;
  onFault: (error: unknown) => void;
}

const BATCH_BYTES = 1024 * 1024;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 5000;

/**
 * Brings one partition's rows to the stream, in order of position, one batch at a time. Where it stands it knows only
 * until something fails; then it asks the stream again, and goes back to what the stream has.
 */
export class PartitionPump<E> {
  /** The next position to append; undefined: ask the stream first. */
  #next: number | undefined;
  /** The stream is empty and may begin at `#next`. */
  #base = false;
  /** Appended and hooked up to here, not yet written down. */
  #handed: number | undefined;
  #failures = 0;
  #woken = false;
  #running: Promise<void> | undefined;
  #retry: Timer | undefined;
  #stopped = false;
  readonly #abort = new AbortController();

  constructor(private readonly settings: PumpSettings<E>) {}

  get fence(): number {
    return this.settings.lease.fence;
  }

  /** There may be something to do. */
  wake(): void {
    this.#woken = true;
    if (this.#stopped || this.#running || this.#retry) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#woken && !this.#retry) this.wake();
    });
  }

  /** Asks the stream where it stands before anything else: it may have lost its tail while nothing was written. */
  check(): void {
    this.#checkDue = true;
    this.wake();
  }

  #checkDue = false;

  /** Takes up no other batch; resolves when the present one has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#running;
  }

  /** Ends the present batch where it waits. */
  abort(): void {
    this.#stopped = true;
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    while (this.#woken && !this.#stopped) {
      this.#woken = false;
      try {
        while (!this.#stopped && (await this.#step()));
        this.#failures = 0;
      } catch (error) {
        if (this.#stopped) return;
        this.settings.onFault(error);
        this.#next = undefined;
        this.#failures += 1;
        const limit = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failures);
        this.#retryIn(limit / 2 + (Math.random() * limit) / 2);
        return;
      }
    }
  }

  #retryIn(delayMs: number): void {
    this.#retry = this.settings.clock.after(delayMs, () => {
      this.#retry = undefined;
      this.wake();
    });
  }

  /** One batch. False: nothing to do now. */
  async #step(): Promise<boolean> {
    const { lease, rows, batch, target, stream, producer, afterAppend } = this.settings;
    if (this.#checkDue && this.#next !== undefined) await this.#look(this.#next);
    const next = this.#next ?? (await this.#locate());
    if (next === undefined) return false;
    const placed = await rows.place(lease, { handed: this.#handed, after: next - 1, limit: batch });
    if (!placed) return this.#lost();
    const chosen = within(placed.rows, BATCH_BYTES);
    const first = chosen[0];
    if (!first) return false;
    // Rows may have been dropped since this pump found its place.
    if (first.position !== next) throw new OutboxHeldUpError(stream.name, lease.partition, `misses position ${next}`);

    const { signal } = this.#abort;
    const events = chosen.map(({ event }) => event);
    const sequenced = { producer, partition: lease.partition, firstPosition: next, base: this.#base };
    const appended = await target.append(stream, events, { sequenced, signal });
    if (appended.status === 'full') {
      this.settings.onFault(new OutboxHeldUpError(stream.name, lease.partition, 'is full'));
      this.#retryIn(appended.retryAfterMs);
      return false;
    }
    if (appended.status === 'gap') {
      const reason = `wants position ${appended.expected}, not ${next}`;
      // The first time it is news: the stream lost its tail. Again, without progress between, it is a fault.
      if (this.#failures > 0) throw new OutboxHeldUpError(stream.name, lease.partition, reason);
      this.#failures += 1;
      this.#next = undefined;
      return true;
    }
    await afterAppend(chosen, signal);
    this.#failures = 0;
    this.#base = false;
    this.#next = next + chosen.length;
    // Written down with the next call, so that a batch costs no round trip more; lost, the hook merely runs again.
    this.#handed = this.#next - 1;
    return true;
  }

  /** Compares the stream's position with ours. */
  async #look(next: number): Promise<void> {
    const { lease, target, stream, producer } = this.settings;
    this.#checkDue = false;
    const signal = this.#abort.signal;
    const last = await target.lastPosition(stream, producer, lease.partition, { signal });
    const waitsForBase = this.#base && last === 0;
    if (last !== next - 1 && !waitsForBase) this.#next = undefined;
  }

  /** Where to go on: after what the stream has and the hook was told, whichever is less. Undefined: the lease is lost. */
  async #locate(): Promise<number | undefined> {
    const { lease, rows, target, stream, producer } = this.settings;
    this.#checkDue = false;
    const known = await rows.place(lease, { handed: this.#handed, after: 0, limit: 0 });
    if (!known) return void this.#lost();
    const { partition } = lease;
    // Asked after the lease was seen: nobody but us places under it, so what lies beyond is not of this database.
    const last = await target.lastPosition(stream, producer, partition, { signal: this.#abort.signal });
    if (last > known.lastPosition) {
      this.settings.onFault(new OutboxBehindStreamError(stream.name, partition, last, known.lastPosition));
      if (!(await rows.skipTo(lease, last))) return void this.#lost();
      this.#handed = undefined;
      this.#next = last + 1;
      this.#base = false;
      return this.#next;
    }
    const floor = known.floorPosition;
    this.#base = last === 0;
    if (last !== 0 && last + 1 < floor) throw new OutboxRowsDroppedError(stream.name, partition, last + 1, floor);
    this.#next = Math.max(floor, Math.min(last, known.handedPosition) + 1);
    // What the stream forgot, the hook's backend may have forgotten too.
    this.#handed = this.#next - 1;
    return this.#next;
  }

  #lost(): false {
    this.#stopped = true;
    this.settings.onLost();
    return false;
  }
}

/** The longest beginning without a hole, within so many bytes; at least one row. */
function within<E>(rows: readonly PlacedRow<E>[], bytes: number): PlacedRow<E>[] {
  const chosen: PlacedRow<E>[] = [];
  let total = 0;
  for (const row of rows) {
    total += row.bytes;
    const last = chosen.at(-1);
    if (last && (total > bytes || row.position !== last.position + 1)) break;
    chosen.push(row);
  }
  return chosen;
}
