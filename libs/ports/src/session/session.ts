import type { Call } from '../call/call.js';

/** A user's login on one device. Instants are epoch milliseconds. `id` is not the token and may be shown. */
export interface Session<D> {
  id: string;
  userId: string;
  data: D;
  device: string;
  createdAt: number;
  /** When it ends unless it is used before. */
  idleExpiresAt: number;
  /** When it ends whatever happens. */
  expiresAt: number;
}

/** `none`: unknown, expired or revoked; these are not told apart. */
export type SessionRead<D> = { status: 'active'; session: Session<D> } | { status: 'none' };

/**
 * Sessions by token. The token, `<user id>.<256-bit secret>`, is returned once and stored only as a hash. The record
 * behind the backend (`SessionRecords`) is the truth; the backend is its fast front and may be lost at any time.
 */
export abstract class SessionStore<D> {
  /** @throws what the records throw: without a record there is no session */
  abstract create(
    userId: string,
    options: Call & { data: D; device: string; idleMs: number; absoluteMs: number },
  ): Promise<{ token: string; session: Session<D> }>;

  /**
   * Extends the idle limit (throttled), never past the absolute one. With the backend away the record answers: the
   * absolute limit and revocation hold, the idle limit is neither checked nor moved.
   * @throws what the records throw, when they must be asked and cannot
   */
  abstract read(token: string, call?: Call): Promise<SessionRead<D>>;

  /** Ends the session for good, at the record first: it holds even when the backend is away. */
  abstract revoke(token: string, call?: Call): Promise<'revoked' | 'none'>;

  /** Ends every session of the user, in O(1). */
  abstract revokeAll(userId: string, call?: Call): Promise<void>;
}
