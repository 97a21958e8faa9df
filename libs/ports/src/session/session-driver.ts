import type { Call } from '../call/call.js';

/** `tokenHash`: SHA-256 of the token's secret, hex. The secret itself never reaches a driver. */
export interface SessionKey {
  userId: string;
  tokenHash: string;
}

/** `nowMs`: the backend's clock; only ever compared with itself. */
export type SessionLookup = { nowMs: number } & (
  | {
      status: 'active';
      body: string;
      /** What is left of the idle limit, counted from this read. */
      idleRemainingMs: number;
      /** When the record was last asked (`SeededSession.verifiedAtMs`); 0 when it must be asked again before the entry is trusted. */
      verifiedAtMs: number;
    }
  /** `idle`: its idle limit has passed. `ended`: it was revoked. Both hold until the absolute limit. */
  | { status: 'idle' | 'ended' }
  /** Never seeded, past its absolute limit, or lost by the backend. */
  | { status: 'missing' }
);

export interface SeededSession {
  /** The record, in a form of the store's own. */
  body: string;
  idleMs: number;
  /** The idle limit moves at most once in so many milliseconds. */
  throttleMs: number;
  /** Until the absolute limit: how long the entry lives. */
  remainingMs: number;
  /** What `prepare` answered before the record was asked. */
  generation: string;
  verifiedAtMs: number;
}

export type Seeding =
  | { status: 'seeded'; idleRemainingMs: number }
  /** There is an entry that is idle or ended, and it stays so. */
  | { status: 'ended' }
  /** A revocation came in between, or the backend forgot: ask the record again. */
  | { status: 'superseded' };

/**
 * What an adapter stores for a `DrivenSessionStore`: an entry a session, and a generation a user.
 *
 * The generation is a random name that any revocation which cannot mark an entry replaces; an entry of another
 * generation is not trusted until the record was asked again, and a seeding that began under another is refused. So
 * `revokeAll` is O(1), and no seeding that races with a revocation, a flush or a pause of any length revives a session.
 *
 * Each method is one atomic step on one user's data and ends within its budget, or rejects with a `BackendFault`. On a full
 * backend `prepare` and `seed` reject with `FullFault`; reading with its extension and revoking work.
 */
export abstract class SessionDriver {
  /** An active entry's idle limit moves to `idleMs` from now, at most once in `throttleMs`; nothing else is ever extended. */
  abstract read(at: SessionKey, call?: Call): Promise<SessionLookup>;

  /** To be called before the record is asked, whose answer is then seeded. Makes the user's generation where there is none. */
  abstract prepare(userId: string, call?: Call): Promise<{ generation: string; nowMs: number }>;

  /**
   * Stores what the record said. An active entry keeps its idle limit and gets the rest; a new one begins to be idle
   * now. Lives for `remainingMs`, as the user's generation at least does.
   */
  abstract seed(at: SessionKey, session: SeededSession, call?: Call): Promise<Seeding>;

  /** The session has ended: marks its entry, or, without one, replaces the user's generation if there is one. Repeatable. */
  abstract end(at: SessionKey, call?: Call): Promise<void>;

  /** Replaces the user's generation if there is one. Repeatable. */
  abstract endAll(userId: string, call?: Call): Promise<void>;

  /** How often this adapter has lost its backend, calls that failed aside: it grows when a connection was cut. */
  abstract readonly interruptions: number;
}
