import { type NewCacheEntry, type StoredCacheEntry } from '@redstart/ports';

/**
 * An entry as one string, so that many are read with one MGET: 13 digits, when it was stored (the server's ms); 11
 * digits, how long it is fresh (ms); `v` a value or `n` none; 3 digits, the bytes of the schema; the schema; the value.
 */
const FRESH = { from: 13, digits: 11 };
const KIND = FRESH.from + FRESH.digits;
const SCHEMA = { length: KIND + 1, from: KIND + 4 };
const MAX_SCHEMA_BYTES = 999;
const MAX_FRESH_MS = 10 ** FRESH.digits - 1;

/** All but the instant, which `put.lua` sets before it. */
export function toEnvelope({ schema, bytes, freshMs }: NewCacheEntry): Buffer {
  const name = Buffer.from(schema);
  if (name.byteLength > MAX_SCHEMA_BYTES) throw new RangeError(`a schema has at most ${MAX_SCHEMA_BYTES} bytes`);
  const fresh = String(Math.min(Math.round(freshMs), MAX_FRESH_MS)).padStart(FRESH.digits, '0');
  const head = `${fresh}${bytes ? 'v' : 'n'}${String(name.byteLength).padStart(3, '0')}`;
  return Buffer.concat([Buffer.from(head), name, bytes ?? Buffer.alloc(0)]);
}

/** When it was stored, as `begin.lua` reads it too; empty for what is no envelope. */
export function versionOf(envelope: Buffer): string {
  const head = envelope.toString('latin1', 0, FRESH.from);
  return /^\d{13}$/.test(head) ? head : '';
}

/** Undefined for what is no envelope: another version's, say. */
export function fromEnvelope(envelope: Buffer, nowMs: number): StoredCacheEntry | undefined {
  const head = envelope.toString('latin1', 0, SCHEMA.from);
  const kind = head[KIND];
  const numbers = head.slice(0, KIND) + head.slice(SCHEMA.length);
  if ((kind !== 'v' && kind !== 'n') || !/^\d{27}$/.test(numbers)) return undefined;
  const storedAtMs = Number(head.slice(0, FRESH.from));
  const freshMs = Number(head.slice(FRESH.from, KIND));
  const valueFrom = SCHEMA.from + Number(head.slice(SCHEMA.length));
  const schema = envelope.toString('utf8', SCHEMA.from, valueFrom);
  const bytes = kind === 'v' ? envelope.subarray(valueFrom) : undefined;
  return { schema, bytes, freshMs, ageMs: Math.max(0, nowMs - storedAtMs) };
}
