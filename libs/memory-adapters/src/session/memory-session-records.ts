import { type Clock, type SessionRecord, SessionRecords } from '@redstart/ports';

/** The records of an owner without a database: for tests. */
export class MemorySessionRecords<D> extends SessionRecords<D> {
  private readonly records = new Map<string, SessionRecord<D>>();

  constructor(private readonly clock: Clock) {
    super();
  }

  async save(record: SessionRecord<D>): Promise<void> {
    this.records.set(nameOf(record.userId, record.tokenHash), structuredClone(record));
  }

  async find(userId: string, tokenHash: string): Promise<SessionRecord<D> | undefined> {
    const record = this.records.get(nameOf(userId, tokenHash));
    if (!record || record.expiresAt <= this.clock.now()) return undefined;
    return structuredClone(record);
  }

  async revoke(userId: string, tokenHash: string): Promise<'revoked' | 'none'> {
    const live = await this.find(userId, tokenHash);
    this.records.delete(nameOf(userId, tokenHash));
    return live ? 'revoked' : 'none';
  }

  async revokeAll(userId: string): Promise<void> {
    for (const [name, record] of this.records) if (record.userId === userId) this.records.delete(name);
  }
}

function nameOf(userId: string, tokenHash: string): string {
  return `${userId} ${tokenHash}`;
}
