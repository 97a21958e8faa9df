import { key, segment, tag } from '../keys/key.js';

/** The keys of one cached value, in one slot. Owner: the scripts of this folder. */
export interface CacheKeys {
  /** STRING, the envelope of `entry-envelope.ts`. TTL: how long it is fresh, and its grace. */
  entry: string;
  /** STRING, the token of whoever loads it. TTL: its lease. */
  lease: string;
}

export function cacheKeys(space: string, name: string): CacheKeys {
  // Each encoded before they are joined: no other pair has this tag.
  const of = tag(`${segment(space)}:${segment(name)}`);
  return { entry: key('cache', of, 'entry'), lease: key('cache', of, 'lease') };
}
