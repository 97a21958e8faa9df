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

/** The tag of a name, and of a numbered part of it: `tag('orders', 3)` is `orders%3A3`. Never empty. */
export function tag(name: string, part?: number): Tag {
  if (name === '') throw new RangeError('the tag of a Redis key is empty');
  return segment(part === undefined ? name : `${name}:${part}`) as Tag;
}

/**
 * `rs:<port>:{tag}:rest`. Keys with one tag share a slot, so one script may touch them all. `rest` is at least one
 * segment; each is encoded.
 */
export function key(port: PortName, of: Tag, ...rest: readonly [string | number, ...(string | number)[]]): string {
  if (!of) throw new RangeError('the tag of a Redis key is empty');
  return `rs:${port}:{${of}}:${rest.map((part) => segment(String(part))).join(':')}`;
}
