import { rpc } from './rpc.js';

/** What a session knows of its user, so that most requests need no call. */
export interface SessionUser {
  role: 'customer' | 'admin';
  email: string;
  name: string;
}

/** The durable record of a session; the gateway keeps a cache in front. Instants are epoch milliseconds. */
export interface SessionRecordMessage {
  id: string;
  userId: string;
  /** SHA-256 of the token's secret, hex. */
  tokenHash: string;
  data: SessionUser;
  device: string;
  createdAt: number;
  idleMs: number;
  expiresAt: number;
}

export const sessionsRpc = {
  save: rpc<SessionRecordMessage, { saved: true }>().as('sessions.save'),
  find: rpc<{ userId: string; tokenHash: string }, { record: SessionRecordMessage | null }>().as('sessions.find'),
  revoke: rpc<{ userId: string; tokenHash: string }, { status: 'revoked' | 'none' }>().as('sessions.revoke'),
  revokeAll: rpc<{ userId: string }, { revoked: number }>().as('sessions.revoke-all'),
};
