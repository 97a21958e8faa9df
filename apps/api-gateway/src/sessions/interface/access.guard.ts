import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { ACCESS, type Access } from '../../edge/interface/access.js';
import type { GatewayRequest } from '../../edge/interface/gateway-request.js';
import { foreignOrigin, noSession, wrongRole } from '../../edge/interface/refusals.js';

export class AccessGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const { identity, fromForeignPage } = context.switchToHttp().getRequest<GatewayRequest>();
    const access =
      this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [context.getHandler(), context.getClass()]) ??
      'session';
    if (fromForeignPage) throw foreignOrigin();
    if (access === 'anyone') return true;
    if (!identity) throw noSession();
    if (access === 'admin' && identity.session.data.role !== 'admin') throw wrongRole();
    return true;
  }
}
