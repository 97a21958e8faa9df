import { Body, Controller, Delete, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { usersRpc, type SessionUser, type User } from '@redstart/messages';
import { SessionStore, type RateLimiter, type Session } from '@redstart/ports';
import type { RpcCaller } from '@redstart/service-kit';
import type { FastifyReply } from 'fastify';
import { Anyone, CurrentSession } from '../../edge/interface/access.js';
import type { GatewayRequest } from '../../edge/interface/gateway-request.js';
import { ORDER_SERVICE } from '../../edge/interface/services.js';
import { accountOf, loginRules } from '../../limits/domain/rules.js';
import { limited } from '../../limits/interface/limited.js';
import { LOGIN_LIMITER } from '../../limits/interface/limiters.js';
import { clearSessionCookie, setSessionCookie } from './session-token.js';
import { CurrentSessionDto, LoginDto, NewSessionDto } from './sessions.dto.js';

const MAX_DEVICE_LENGTH = 200;
export const SESSION_LIFETIME = Symbol('session lifetime');
export interface SessionLifetime {
  idleMs: number;
  absoluteMs: number;
}

@ApiTags('sessions')
@Controller('sessions')
export class SessionsController {
  constructor(
    @Inject(ORDER_SERVICE) private readonly orderService: RpcCaller,
    private readonly sessions: SessionStore<SessionUser>,
    @Inject(LOGIN_LIMITER) private readonly limiter: RateLimiter,
    @Inject(SESSION_LIFETIME) private readonly lifetime: SessionLifetime,
  ) {}

  /** A new token at every login; a session that the request already had ends, so that none can be planted. */
  @Post()
  @Anyone()
  @ApiCreatedResponse({ type: NewSessionDto })
  async login(
    @Body() { email, password }: LoginDto,
    @Req() request: GatewayRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NewSessionDto> {
    const limit = await this.limiter.take(accountOf(email), loginRules);
    if (limit.status === 'limited') throw limited(limit);
    const user = await this.orderService.call(usersRpc.authenticate, { email, password });
    const { token, session } = await this.sessions.create(user.id, {
      data: { role: user.role, email: user.email, name: user.name },
      device: (request.headers['user-agent'] ?? 'unknown').slice(0, MAX_DEVICE_LENGTH),
      ...this.lifetime,
    });
    if (request.identity) await this.sessions.revoke(request.identity.token);
    setSessionCookie(request, reply, { token, expiresAt: session.expiresAt });
    return { ...describe(session, user), token };
  }

  @Get('current')
  @ApiBearerAuth()
  @ApiOkResponse({ type: CurrentSessionDto })
  async current(@CurrentSession() session: Session<SessionUser>): Promise<CurrentSessionDto> {
    const { user } = await this.orderService.call(usersRpc.get, { id: session.userId });
    return describe(session, user);
  }

  @Delete('current')
  @HttpCode(204)
  @ApiBearerAuth()
  @ApiNoContentResponse()
  async logout(@Req() request: GatewayRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    if (request.identity) await this.sessions.revoke(request.identity.token);
    clearSessionCookie(reply);
  }
}

function describe(session: Session<SessionUser>, user: User): CurrentSessionDto {
  return {
    id: session.id,
    expiresAt: new Date(session.expiresAt).toISOString(),
    idleExpiresAt: new Date(session.idleExpiresAt).toISOString(),
    device: session.device,
    user,
  };
}
