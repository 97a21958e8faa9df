import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { SessionUser } from '@redstart/messages';
import type { Session } from '@redstart/ports';
import type { GatewayRequest } from './gateway-request.js';

export type Access = 'anyone' | 'session' | 'admin';
export const ACCESS = 'access';

/** Without one of these a route needs a session. */
export const Anyone = () => SetMetadata(ACCESS, 'anyone' satisfies Access);
export const AdminOnly = () => SetMetadata(ACCESS, 'admin' satisfies Access);

/** The session of the request; only on routes that need one. */
export const CurrentSession = createParamDecorator((_: unknown, context: ExecutionContext): Session<SessionUser> => {
  const { identity } = context.switchToHttp().getRequest<GatewayRequest>();
  if (!identity) throw new Error('CurrentSession on a route that anyone may call');
  return identity.session;
});
