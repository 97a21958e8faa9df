import { sessionsRpc, type SessionUser } from '@redstart/messages';
import { SessionRecords, type Call, type SessionRecord } from '@redstart/ports';
import type { RpcCaller } from '@redstart/service-kit';

/** The sessions' record, kept by order-service in PostgreSQL. */
export class RpcSessionRecords extends SessionRecords<SessionUser> {
  constructor(private readonly orderService: RpcCaller) {
    super();
  }

  async save(record: SessionRecord<SessionUser>, call?: Call): Promise<void> {
    await this.orderService.call(sessionsRpc.save, record, call);
  }

  async find(userId: string, tokenHash: string, call?: Call): Promise<SessionRecord<SessionUser> | undefined> {
    const { record } = await this.orderService.call(sessionsRpc.find, { userId, tokenHash }, call);
    return record ?? undefined;
  }

  async revoke(userId: string, tokenHash: string, call?: Call): Promise<'revoked' | 'none'> {
    return (await this.orderService.call(sessionsRpc.revoke, { userId, tokenHash }, call)).status;
  }

  async revokeAll(userId: string, call?: Call): Promise<void> {
    await this.orderService.call(sessionsRpc.revokeAll, { userId }, call);
  }
}
