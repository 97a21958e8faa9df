import type { Codec } from './call.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * JSON in UTF-8. `parse` checks what was decoded (a schema's parse function) and throws when it is not a `T`.
 * `schema` names shape and version, `order@1`.
 */
export function jsonCodec<T>(schema: string, parse: (value: unknown) => T = (value) => value as T): Codec<T> {
  return {
    schema,
    encode: (value) => encoder.encode(JSON.stringify(value)),
    decode: (bytes) => parse(JSON.parse(decoder.decode(bytes))),
  };
}
