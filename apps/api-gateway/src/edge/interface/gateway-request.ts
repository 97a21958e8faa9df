import type { SessionUser } from '@redstart/messages';
import type { Session } from '@redstart/ports';
import type { FastifyRequest } from 'fastify';

/** A request after the session guard: who sent it, and how the token came. */
export interface GatewayRequest extends FastifyRequest {
  identity?: { session: Session<SessionUser>; token: string; by: 'bearer' | 'cookie' };
}
