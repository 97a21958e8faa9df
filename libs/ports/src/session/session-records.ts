import type { Call } from '../call/call.js';

/** A session as its owner keeps it. `tokenHash`: SHA-256 of the token's secret, hex. */
export interface SessionRecord<D> {
  id: string;
  userId: string;
  tokenHash: string;
  data: D;
  device: string;
  createdAt: number;
  idleMs: number;
  expiresAt: number;
}

/** The durable truth behind a `SessionStore`, kept by the service that owns users. */
export abstract class SessionRecords<D> {
  abstract save(record: SessionRecord<D>, call?: Call): Promise<void>;
  /** Undefined when unknown, revoked, or past `expiresAt`. */
  abstract find(userId: string, tokenHash: string, call?: Call): Promise<SessionRecord<D> | undefined>;
  abstract revoke(userId: string, tokenHash: string, call?: Call): Promise<'revoked' | 'none'>;
  abstract revokeAll(userId: string, call?: Call): Promise<void>;
}
