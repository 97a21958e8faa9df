import { key, tag } from '../keys/key.js';

/** The keys of one resource, in one slot. Owner: `lease.lua`. */
export interface LockKeys {
  /** STRING `<fence>:<token>` of the present holder. TTL: its lease. */
  lease: string;
  /** STRING, the last fence given. TTL: 24 h after it was given. */
  fence: string;
}

export function lockKeys(resource: string): LockKeys {
  const of = tag(resource);
  return { lease: key('lock', of, 'lease'), fence: key('lock', of, 'fence') };
}
