import type { SessionRecordMessage } from '@redstart/messages';

/** The durable record of every login: what holds when Redis is away. Instants are epoch milliseconds. */
export abstract class SessionRecordsStore {
  /** Saving a record again (a retry) changes nothing. */
  abstract save(record: SessionRecordMessage): Promise<void>;
  /** Undefined when unknown, revoked or past `expiresAt`. */
  abstract find(key: { userId: string; tokenHash: string; now: number }): Promise<SessionRecordMessage | undefined>;
  abstract revoke(key: { userId: string; tokenHash: string }): Promise<'revoked' | 'none'>;
  abstract revokeAll(userId: string): Promise<number>;
  /** Drops up to `limit` records that have expired. Answers how many. */
  abstract dropExpired(options: { now: number; limit: number }): Promise<number>;
}
