import type { Codec } from '../call/call.js';

// One byte with the length of the schema's name, the name, the payload.
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A payload with its schema's name in front: another schema, or a payload that does not decode, is poison. */
export function encodeBody<T>(codec: Codec<T>, payload: T): Uint8Array {
  const schema = schemaBytes(codec.schema);
  const encoded = codec.encode(payload);
  const body = new Uint8Array(1 + schema.length + encoded.length);
  body[0] = schema.length;
  body.set(schema, 1);
  body.set(encoded, 1 + schema.length);
  return body;
}

/** @throws Error whose message is fit for a dead letter's reason */
export function decodeBody<T>(codec: Codec<T>, body: Uint8Array): T {
  const payloadAt = 1 + (body[0] ?? 0);
  const schema = schemaBytes(codec.schema);
  if (!isSame(schema, body.subarray(1, payloadAt))) {
    throw new Error(`payload of schema "${decoder.decode(body.subarray(1, payloadAt))}", not "${codec.schema}"`);
  }
  try {
    return codec.decode(body.subarray(payloadAt));
  } catch (error) {
    throw new Error(`payload does not decode: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

const schemas = new Map<string, Uint8Array>();

function schemaBytes(schema: string): Uint8Array {
  let bytes = schemas.get(schema);
  if (!bytes) {
    bytes = encoder.encode(schema);
    if (bytes.length > 255) throw new RangeError(`a schema's name of ${bytes.length} bytes is over the limit of 255`);
    schemas.set(schema, bytes);
  }
  return bytes;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
