import {
  EventStream,
  UnavailableFault,
  type Appended,
  type Call,
  type GroupState,
  type Parked,
  type Running,
  type Sequenced,
  type Stream,
} from '@redstart/ports';

interface Partition {
  events: unknown[];
  last: Map<string, number>;
}

type Before = (at: { partition: number; firstPosition: number; count: number }) => Promise<void> | void;

/** For the relay's tests only: `append` and `lastPosition` to the letter of the port, and a say in when they happen. */
export class FakeStream extends EventStream {
  readonly #partitions = new Map<number, Partition>();
  /** Runs before an append takes effect; a throw is an append that did not happen. */
  beforeAppend: Before = () => undefined;
  /** Runs after an append took effect; a throw is a reply that was lost. */
  afterAppend: Before = () => undefined;
  down = false;
  full = false;
  appends = 0;
  looks = 0;

  /** As FLUSHALL does. */
  flush(): void {
    this.#partitions.clear();
  }

  /** As a failover to a replica that lagged does. */
  forgetTail(partition: number, count: number): void {
    const log = this.#at(partition);
    log.events.splice(-count);
    for (const [producer, last] of log.last) log.last.set(producer, last - count);
  }

  events(partition: number): readonly unknown[] {
    return this.#at(partition).events;
  }

  async append<E>(
    _stream: Stream<E>,
    events: readonly E[],
    options?: Call & { sequenced?: Sequenced },
  ): Promise<Appended> {
    const { producer, partition, firstPosition, base = false } = options!.sequenced!;
    const at = { partition, firstPosition, count: events.length };
    await this.beforeAppend(at);
    this.#answer();
    this.appends += 1;
    if (this.full) return { status: 'full', retryAfterMs: 20 };
    const log = this.#at(partition);
    const last = log.last.get(producer) ?? 0;
    const begins = base && last === 0 && log.events.length === 0;
    const expected = begins ? firstPosition : last + 1;
    if (firstPosition > expected) return { status: 'gap', expected };
    const duplicates = Math.min(events.length, expected - firstPosition);
    const fresh = events.slice(duplicates);
    log.events.push(...structuredClone(fresh));
    if (fresh.length > 0) log.last.set(producer, firstPosition + events.length - 1);
    await this.afterAppend(at);
    return { status: 'appended', written: fresh.length, duplicates };
  }

  async lastPosition<E>(_stream: Stream<E>, producer: string, partition: number): Promise<number> {
    await Promise.resolve();
    this.#answer();
    this.looks += 1;
    return this.#at(partition).last.get(producer) ?? 0;
  }

  partitionOf(): number {
    throw new Error('not for a relay');
  }
  consume(): Running & { readonly owned: ReadonlySet<number> } {
    throw new Error('not for a relay');
  }
  read(): AsyncIterable<never> {
    throw new Error('not for a relay');
  }
  groups(): Promise<GroupState[]> {
    throw new Error('not for a relay');
  }
  parked(): Promise<Parked<never>[]> {
    throw new Error('not for a relay');
  }
  resume(): Promise<number> {
    throw new Error('not for a relay');
  }
  trim(): Promise<number> {
    throw new Error('not for a relay');
  }

  #answer(): void {
    if (this.down) throw new UnavailableFault('down', { operation: 'stream', effect: 'none' });
  }

  #at(partition: number): Partition {
    let log = this.#partitions.get(partition);
    if (!log) this.#partitions.set(partition, (log = { events: [], last: new Map() }));
    return log;
  }
}
