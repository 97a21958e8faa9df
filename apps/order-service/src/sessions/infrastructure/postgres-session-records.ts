import type { SessionRecordMessage } from '@redstart/messages';
import type { Share } from '@redstart/postgres-adapters';
import { sql } from 'kysely';
import { SessionRecordsStore } from '../application/session-records-store.js';

interface Row extends Omit<SessionRecordMessage, 'createdAt' | 'expiresAt'> {
  createdAt: Date;
  expiresAt: Date;
}

const columns = sql`
  id, user_id as "userId", token_hash as "tokenHash", data, device, created_at as "createdAt", idle_ms as "idleMs",
  expires_at as "expiresAt"`;

export class PostgresSessionRecords extends SessionRecordsStore {
  constructor(private readonly share: Share<unknown>) {
    super();
  }

  async save(record: SessionRecordMessage): Promise<void> {
    await sql`
      insert into session (id, user_id, token_hash, data, device, created_at, idle_ms, expires_at)
      values (${record.id}, ${record.userId}, ${record.tokenHash}, ${JSON.stringify(record.data)}::jsonb, ${record.device},
        ${new Date(record.createdAt)}, ${record.idleMs}, ${new Date(record.expiresAt)})
      on conflict (user_id, token_hash) do nothing`.execute(this.share.db);
  }

  async find(key: { userId: string; tokenHash: string; now: number }): Promise<SessionRecordMessage | undefined> {
    const { rows } = await sql<Row>`
      select ${columns} from session
      where user_id = ${key.userId} and token_hash = ${key.tokenHash} and expires_at > ${new Date(key.now)}`.execute(
      this.share.db,
    );
    const row = rows[0];
    return row && { ...row, createdAt: row.createdAt.getTime(), expiresAt: row.expiresAt.getTime() };
  }

  async revoke(key: { userId: string; tokenHash: string }): Promise<'revoked' | 'none'> {
    const { numAffectedRows } = await sql`
      delete from session where user_id = ${key.userId} and token_hash = ${key.tokenHash}`.execute(this.share.db);
    return numAffectedRows === 1n ? 'revoked' : 'none';
  }

  async revokeAll(userId: string): Promise<number> {
    const { numAffectedRows } = await sql`delete from session where user_id = ${userId}`.execute(this.share.db);
    return Number(numAffectedRows ?? 0n);
  }

  async dropExpired({ now, limit }: { now: number; limit: number }): Promise<number> {
    const { numAffectedRows } = await sql`
      delete from session where (user_id, token_hash) in (
        select user_id, token_hash from session where expires_at <= ${new Date(now)}
        order by expires_at limit ${limit} for update skip locked
      )`.execute(this.share.db);
    return Number(numAffectedRows ?? 0n);
  }
}
