import type { SessionUser } from '@redstart/messages';
import type { RateLimiter, SessionStore } from '@redstart/ports';
import type { FastifyInstance } from 'fastify';
import { charge } from '../../limits/interface/charge.js';
import { identify } from '../../sessions/interface/identify.js';
import type { GatewayRequest } from './gateway-request.js';

/** What monitoring and documentation are read from: no session, no limits. */
const OPEN = /^\/(health|metrics|docs|docs-json)(\/|$)/;

/**
 * Who it is, and what that costs: before the body is read, so that no request is free, whatever it is refused for: a
 * body that is no JSON, a route that there is not, a session that cannot be looked up.
 */
export function admit(
  fastify: FastifyInstance,
  { sessions, limiter }: { sessions: SessionStore<SessionUser>; limiter: RateLimiter },
): void {
  fastify.addHook('onRequest', async (request: GatewayRequest, reply) => {
    if (!request.is404 && OPEN.test(request.routeOptions.url ?? '')) return;
    const identified = await Promise.allSettled([identify(request, sessions)]);
    await charge(request, reply, limiter);
    if (identified[0].status === 'rejected') throw identified[0].reason;
  });
}
