import { type PortName } from '@redstart/ports';

declare const encoded: unique symbol;

/** The part of a key between braces: what decides its slot in a cluster. */
export type Tag = string & { readonly [encoded]: true };

const RESERVED = /[{}:%]/g;

/** A name as one segment of a key: `{ } : %` are percent-encoded, so that segments cannot run together. */
export function segment(name: string): string {
  if (name === '') throw new RangeError('a segment of a Redis key is empty');
  return name.replace(RESERVED, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * The tag of a name, or of several together: `tag('orders', 3)` is `orders%3A3`. Several are encoded each and then joined,
 * so that no two lists of names are one tag. Never empty.
 */
export function tag(name: string, ...parts: readonly (string | number)[]): Tag {
  const names = [name, ...parts].map(String);
  if (names.includes('')) throw new RangeError('the tag of a Redis key is empty');
  return segment(names.length === 1 ? name : names.map(segment).join(':')) as Tag;
}

/**
 * `rs:<port>:{tag}:rest`. Keys with one tag share a slot, so one script may touch them all. `rest` is at least one
 * segment; each is encoded.
 */
export function key(port: PortName, of: Tag, ...rest: readonly [string | number, ...(string | number)[]]): string {
  if (!of) throw new RangeError('the tag of a Redis key is empty');
  return `rs:${port}:{${of}}:${rest.map((part) => segment(String(part))).join(':')}`;
}
