import { z } from 'zod';

/**
 * The envelope of every event. Source: CloudEvents 1.0 (JSON format), with the extensions `sequence` (an integer here,
 * dense per subject, from 1) and `traceparent` (W3C Trace Context).
 */
export interface CloudEvent<Type extends string = string, Data = unknown> {
  specversion: '1.0';
  /** UUIDv7. */
  id: string;
  /** The service that owns the event: `order-service`. */
  source: string;
  /** Name and version: `order.placed.v1`. */
  type: Type;
  /** The order's id. */
  subject: string;
  sequence: number;
  /** RFC 3339, UTC. */
  time: string;
  traceparent?: string;
  data: Data;
}

export const cloudEvent = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({
    specversion: z.literal('1.0'),
    id: z.uuid(),
    source: z.string().min(1),
    type: z.literal(type),
    subject: z.string().min(1),
    sequence: z.int().min(1),
    time: z.iso.datetime(),
    traceparent: z.string().optional(),
    data,
  });
