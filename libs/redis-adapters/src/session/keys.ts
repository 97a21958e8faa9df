import { key, tag } from '../keys/key.js';

/** The keys of one session, in the slot of its user. Owner: the scripts of this folder. */
export interface SessionKeys {
  /**
   * HASH: `state` (`active`, `ended`), `body`, `idleMs`, `throttleMs`, `idleUntil` and `extendedAt` (the server's ms),
   * `generation`, `verifiedAt`. TTL: until the absolute limit, so that an idle or ended one is not taken for lost.
   */
  entry: string;
  /** STRING, a random name (see `SessionDriver`). TTL: the longest of the user's sessions, at least a minute. */
  generation: string;
}

export function sessionKeys(userId: string, tokenHash: string): SessionKeys {
  return { entry: key('session', tag(userId), 'entry', tokenHash), ...userKeys(userId) };
}

/** What belongs to all sessions of a user: STRING and TTL as in `SessionKeys`. */
export function userKeys(userId: string): Pick<SessionKeys, 'generation'> {
  return { generation: key('session', tag(userId), 'generation') };
}
