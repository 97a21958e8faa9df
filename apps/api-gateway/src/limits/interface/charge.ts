import type { RateLimiter } from '@redstart/ports';
import type { FastifyReply } from 'fastify';
import type { GatewayRequest } from '../../edge/interface/gateway-request.js';
import { byAddressAlone, routeRules } from '../domain/rules.js';
import { limited } from './limited.js';
import { setRateLimitHeaders } from './rate-limit-headers.js';

/** Charges everybody but administrators, by user and route; who has no session, and every login, by address. */
export async function charge(request: GatewayRequest, reply: FastifyReply, limiter: RateLimiter): Promise<void> {
  const route = routeOf(request);
  const session = byAddressAlone.has(route) ? undefined : request.identity?.session;
  if (session?.data.role === 'admin') return;
  const who = session ? `user:${session.userId}` : `address:${request.ip}`;
  const limit = await limiter.take(`${who}:${route}`, routeRules);
  setRateLimitHeaders(reply, routeRules, limit);
  if (limit.status === 'limited') throw limited(limit);
}

/** All that is no route is one; else paths without end would have limits of their own. */
function routeOf(request: GatewayRequest): string {
  const { url } = request.routeOptions;
  if (request.is404 || url === undefined) return 'unknown';
  return `${request.method === 'HEAD' ? 'GET' : request.method} ${url}`;
}
