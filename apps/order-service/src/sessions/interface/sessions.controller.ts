import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { sessionsRpc, type RpcIn, type RpcOut } from '@redstart/messages';
import { Clock } from '@redstart/ports';
import { checked, RpcHandler } from '@redstart/service-kit';
import { z } from 'zod';
import { text } from '../../interface/rpc-input.js';
import { SessionRecordsStore } from '../application/session-records-store.js';

const tokenHash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex');
const key = z.object({ userId: z.uuid(), tokenHash });
const instant = z.int().min(0);
const record = z.object({
  id: z.uuid(),
  ...key.shape,
  data: z.object({ role: z.enum(['customer', 'admin']), email: z.string(), name: z.string() }),
  device: z.union([z.literal(''), text(500)]),
  createdAt: instant,
  idleMs: z.int().min(1),
  expiresAt: instant,
});

@Controller()
export class SessionsController {
  constructor(
    private readonly records: SessionRecordsStore,
    private readonly clock: Clock,
  ) {}

  @RpcHandler(sessionsRpc.save)
  async save(@Payload() input: RpcIn<typeof sessionsRpc.save>): Promise<RpcOut<typeof sessionsRpc.save>> {
    await this.records.save(checked(record, input));
    return { saved: true };
  }

  @RpcHandler(sessionsRpc.find)
  async find(@Payload() input: RpcIn<typeof sessionsRpc.find>): Promise<RpcOut<typeof sessionsRpc.find>> {
    const found = await this.records.find({ ...checked(key, input), now: this.clock.now() });
    return { record: found ?? null };
  }

  @RpcHandler(sessionsRpc.revoke)
  async revoke(@Payload() input: RpcIn<typeof sessionsRpc.revoke>): Promise<RpcOut<typeof sessionsRpc.revoke>> {
    return { status: await this.records.revoke(checked(key, input)) };
  }

  @RpcHandler(sessionsRpc.revokeAll)
  async revokeAll(
    @Payload() input: RpcIn<typeof sessionsRpc.revokeAll>,
  ): Promise<RpcOut<typeof sessionsRpc.revokeAll>> {
    return { revoked: await this.records.revokeAll(checked(z.uuid(), input.userId)) };
  }
}
