import { z } from 'zod';
import type { CloudEvent } from './cloud-event.js';

/**
 * The event is well-formed but of a type or version that this release does not know: consumers deploy first, so it is
 * parked until they have.
 */
export class UnknownEventTypeError extends Error {
  readonly code = 'UNKNOWN_EVENT_TYPE';
  constructor(readonly type: string) {
    super(`no schema for event type "${type}"; deploy the consumer that knows it, then resume the subject`);
    this.name = 'UnknownEventTypeError';
  }
}

const typed = z.object({ type: z.string() });
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Codec of a stream whose events are the members of a discriminated union over `type`. Structurally a port's `Codec`. */
export function eventCodec<E extends CloudEvent>(schema: string, union: z.ZodType<E>, types: readonly string[]) {
  return {
    schema,
    encode: (event: E): Uint8Array => encoder.encode(JSON.stringify(event)),
    decode: (bytes: Uint8Array): E => {
      const value: unknown = JSON.parse(decoder.decode(bytes));
      const { type } = typed.parse(value);
      if (!types.includes(type)) throw new UnknownEventTypeError(type);
      return union.parse(value);
    },
  };
}
