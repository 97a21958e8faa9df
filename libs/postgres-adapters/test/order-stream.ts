import { jsonCodec, type Stream } from '@redstart/ports';
import { randomUUID } from 'node:crypto';
import type { OutboxEvent } from '../src/outbox/outbox.js';

/** A stream as the services define theirs. */
export const orderStream: Stream<OutboxEvent> = {
  name: 'orders',
  codec: jsonCodec<OutboxEvent>('orders@1'),
  partitions: 4,
  subject: (event) => event.subject,
  eventId: (event) => event.id,
  cap: { bytes: 64 * 1024 * 1024, ageMs: 60_000, when: 'refuse' },
};

export const orderEvent = (subject: string, sequence: number): OutboxEvent => ({
  id: randomUUID(),
  type: 'order.moved.v1',
  subject,
  sequence,
});
