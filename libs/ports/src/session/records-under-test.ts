import type { Clock } from '../clock/clock.js';
import { SessionRecords, type SessionRecord } from './session-records.js';

/** The records of an owner without a database, for tests: counts how often it is asked, and can be away. */
export class RecordsUnderTest<D> extends SessionRecords<D> {
  /** Calls of `find` so far. */
  finds = 0;
  /** While set, every call rejects with it. */
  away: Error | undefined;
  /** Called when `find` has its answer and before it gives it. */
  beforeAnswer: (() => Promise<void>) | undefined;
  private readonly records = new Map<string, SessionRecord<D>>();

  constructor(private readonly clock: Clock) {
    super();
  }

  all(): SessionRecord<D>[] {
    return structuredClone([...this.records.values()]);
  }

  async save(record: SessionRecord<D>): Promise<void> {
    if (this.away) throw this.away;
    this.records.set(nameOf(record.userId, record.tokenHash), structuredClone(record));
  }

  async find(userId: string, tokenHash: string): Promise<SessionRecord<D> | undefined> {
    this.finds += 1;
    if (this.away) throw this.away;
    const record = structuredClone(this.living(userId, tokenHash));
    await this.beforeAnswer?.();
    return record;
  }

  async revoke(userId: string, tokenHash: string): Promise<'revoked' | 'none'> {
    if (this.away) throw this.away;
    const living = this.living(userId, tokenHash);
    this.records.delete(nameOf(userId, tokenHash));
    return living ? 'revoked' : 'none';
  }

  async revokeAll(userId: string): Promise<void> {
    if (this.away) throw this.away;
    for (const [name, record] of this.records) if (record.userId === userId) this.records.delete(name);
  }

  private living(userId: string, tokenHash: string): SessionRecord<D> | undefined {
    const record = this.records.get(nameOf(userId, tokenHash));
    return record && record.expiresAt > this.clock.now() ? record : undefined;
  }
}

function nameOf(userId: string, tokenHash: string): string {
  return `${userId} ${tokenHash}`;
}
