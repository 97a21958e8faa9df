import type { SessionUser } from '@redstart/messages';
import type { Session } from '@redstart/ports';
import type { FastifyRequest } from 'fastify';

/** An admitted request: who sent it, and how the token came. */
export interface GatewayRequest extends FastifyRequest {
  identity?: { session: Session<SessionUser>; token: string; by: 'bearer' | 'cookie' };
  /** It carried a session's cookie, but a page of another site sent it. */
  fromForeignPage?: boolean;
}
