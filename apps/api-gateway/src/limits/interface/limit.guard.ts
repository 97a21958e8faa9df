import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { RateLimiter } from '@redstart/ports';
import type { FastifyReply } from 'fastify';
import type { GatewayRequest } from '../../edge/interface/gateway-request.js';
import { routeRules } from '../domain/rules.js';
import { limited } from './limited.js';
import { setRateLimitHeaders } from './rate-limit-headers.js';

/** Charges every request of everybody but administrators, by user and route; who has no session, by address. */
export class LimitGuard implements CanActivate {
  constructor(private readonly limiter: RateLimiter) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<GatewayRequest>();
    if (request.identity?.session.data.role === 'admin') return true;
    const who = request.identity ? `user:${request.identity.session.userId}` : `address:${request.ip}`;
    const limit = await this.limiter.take(`${who}:${request.method} ${request.routeOptions.url}`, routeRules);
    setRateLimitHeaders(context.switchToHttp().getResponse<FastifyReply>(), routeRules, limit);
    if (limit.status === 'limited') throw limited(limit);
    return true;
  }
}
