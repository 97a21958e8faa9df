import { randomUUID } from 'node:crypto';
import { type Running } from '../call/call.js';
import { jsonCodec } from '../call/json-codec.js';
import { type Restore, type Troubles } from '../faulty/troubles.js';
import { type Consume, type Delivered, type EventStream, type Handled, type Stream } from './event-stream.js';
import { type StreamDriver } from './stream-driver.js';

/** One backend, seen through two handles of it, as two processes would have them. */
export interface StreamUnderTest extends Troubles {
  /** Befallen by the troubles. */
  readonly subject: EventStream;
  readonly other: EventStream;
  /** What `other` drives. */
  readonly driver: StreamDriver;
  /** The subject's handle does not reach the backend any more: each call fails. */
  sever(): Promise<Restore>;
  /**
   * Keeps what the backend has of the stream. The answer brings it back to that, as a failover does to a replica that
   * lagged behind.
   */
  snapshot(stream: Stream<Change>): Promise<Restore>;
  /** The backend loses all that it has of the stream, as by FLUSHALL. */
  loseData(stream: Stream<Change>): Promise<void>;
  /** Closes `subject`'s adapter alone; twice does nothing. */
  closeSubject(): Promise<void>;
  /** Closes all. */
  close(): Promise<void>;
}

export interface StreamBackend {
  open(): Promise<StreamUnderTest>;
}

/** The event of the suite. */
export interface Change {
  id: string;
  subject: string;
  n: number;
}

type Handler = (delivered: Delivered<Change>) => Handled | Promise<Handled>;

export interface Consumer {
  readonly running: Running & { readonly owned: ReadonlySet<number> };
  /** Deliveries whose handler has ended, in the order of their ends. */
  readonly handled: Delivered<Change>[];
  readonly faults: unknown[];
}

export const GROUP = 'effects:{%}';
/** Real time on a real server: long enough to be renewed in time on a busy machine. */
export const TAKEOVER_MS = 1_000;

/** What a test of the suite works with: streams of its own, consumers that are stopped after it. */
export class StreamStage {
  private readonly consumers: Running[] = [];

  constructor(readonly under: StreamUnderTest) {}

  get subject(): EventStream {
    return this.under.subject;
  }

  get other(): EventStream {
    return this.under.other;
  }

  stream(changes: Partial<Stream<Change>> = {}): Stream<Change> {
    return {
      // With all the characters that a key must not trip over.
      name: `changes:{%}:${randomUUID()}`,
      codec: jsonCodec<Change>('change@1'),
      partitions: 4,
      subject: (change) => change.subject,
      eventId: (change) => change.id,
      cap: { bytes: 4_000_000, ageMs: 3_600_000, when: 'refuse' },
      ...changes,
    };
  }

  consume(
    from: EventStream,
    stream: Stream<Change>,
    options: Partial<Consume> & { group?: string; handle?: Handler } = {},
  ): Consumer {
    const { group = GROUP, handle = () => 'done' as const, ...rest } = options;
    const handled: Delivered<Change>[] = [];
    const faults: unknown[] = [];
    const running = from.consume(
      stream,
      group,
      async (delivered) => {
        const answer = await handle(delivered);
        handled.push(delivered);
        return answer;
      },
      {
        consumer: `consumer-${randomUUID()}`,
        attempts: 3,
        takeoverMs: TAKEOVER_MS,
        backoff: { firstMs: 5, maxMs: 20 },
        onFault: (error) => faults.push(error),
        ...rest,
      },
    );
    this.consumers.push(running);
    return { running, handled, faults };
  }

  /** Moves time on until `probe` does not throw. */
  async until<T>(probe: () => T | Promise<T>, withinMs = 10_000): Promise<T> {
    for (let passedMs = 0; ; passedMs += 10) {
      try {
        return await probe();
      } catch (error) {
        if (passedMs >= withinMs) throw error;
      }
      await this.under.advance(10);
    }
  }

  async read(stream: Stream<Change>, partition: number): Promise<Change[]> {
    const events: Change[] = [];
    for await (const item of this.other.read(stream, { partition })) if ('event' in item) events.push(item.event);
    return events;
  }

  async readAll(stream: Stream<Change>): Promise<Change[]> {
    const events: Change[] = [];
    for (let partition = 0; partition < stream.partitions; partition += 1) {
      events.push(...(await this.read(stream, partition)));
    }
    return events;
  }

  async close(): Promise<void> {
    await Promise.all(this.consumers.map((consumer) => consumer.stop({ deadlineMs: 0 })));
    await this.under.close();
  }
}

/** Events 1 to `count` of a subject, ids of their own. */
export function changes(subject: string, count: number, from = 1): Change[] {
  return Array.from({ length: count }, (_, index) => ({ id: randomUUID(), subject, n: from + index }));
}

/** The numbers of a subject's events in the order they were handled. */
export function numbersOf(handled: readonly Delivered<Change>[], subject: string): number[] {
  return handled.filter((delivered) => delivered.subject === subject).map((delivered) => delivered.event.n);
}

/** Something that a test waits for, or lets go. */
export class Gate {
  isOpen = false;
  private open: () => void = () => undefined;
  readonly passed = new Promise<void>((resolve) => (this.open = resolve));

  release(): void {
    this.isOpen = true;
    this.open();
  }
}
