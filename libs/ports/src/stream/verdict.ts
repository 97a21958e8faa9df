import { type Consume, type Cursor, type Delivered, type Handled, type Stream } from './event-stream.js';
import { type LogEntry } from './stream-driver.js';

/** What becomes of an event for good. */
export type Final = { kind: 'acknowledge' } | { kind: 'park'; reason: string };
export type Verdict = Final | { kind: 'retry'; inMs: number };

export interface Delivery<E> {
  stream: Stream<E>;
  handle: (delivered: Delivered<E>) => Promise<Handled>;
  options: Consume;
  entry: LogEntry;
  attempt: number;
  cursor: Cursor;
  partition: number;
  ownerFence: number;
  signal: AbortSignal;
  /** Told of what the handler threw, unless it was aborted. */
  tell: (error: unknown) => void;
}

const BACKOFF = { firstMs: 100, maxMs: 30_000 };

/** Delivers an event to the handler and makes of its answer what is to be done. Never rejects. */
export async function verdictOn<E>(delivery: Delivery<E>): Promise<Verdict> {
  const { stream, handle, options, entry, attempt, signal } = delivery;
  const { cursor, partition, ownerFence } = delivery;
  if (attempt > options.attempts) {
    return { kind: 'park', reason: `delivered ${attempt - 1} times, and no handler came to an end` };
  }
  let event: E;
  try {
    if (entry.schema !== stream.codec.schema) throw new Error(`its schema is ${entry.schema}`);
    event = stream.codec.decode(entry.payload);
  } catch (error) {
    return { kind: 'park', reason: `does not decode: ${messageOf(error)}` };
  }
  const { subject } = entry;
  const isLast = attempt >= options.attempts;
  try {
    const handled = await handle({ event, cursor, partition, subject, attempt, ownerFence, signal });
    if (handled === 'done') return { kind: 'acknowledge' };
    if ('park' in handled) return { kind: 'park', reason: handled.park };
    if (isLast) return { kind: 'park', reason: 'the handler asked for one more delivery' };
    return { kind: 'retry', inMs: handled.retryInMs };
  } catch (error) {
    if (!signal.aborted) delivery.tell(error);
    if (isLast) return { kind: 'park', reason: messageOf(error) };
    const { firstMs, maxMs } = options.backoff ?? BACKOFF;
    return { kind: 'retry', inMs: Math.random() * Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30)) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
