import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { SessionUser } from '@redstart/messages';
import type { SessionStore } from '@redstart/ports';
import type { GatewayRequest } from '../../edge/interface/gateway-request.js';
import { foreignOrigin } from '../../edge/interface/refusals.js';
import { tokenOf } from './session-token.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Finds out who sent the request. Whether they may is the access guard's, after the limits were charged. */
export class SessionGuard implements CanActivate {
  constructor(private readonly sessions: SessionStore<SessionUser>) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<GatewayRequest>();
    const presented = tokenOf(request);
    if (!presented) return true;
    const read = await this.sessions.read(presented.token);
    if (read.status !== 'active') return true;
    if (presented.by === 'cookie' && !SAFE_METHODS.has(request.method) && comesFromElsewhere(request))
      throw foreignOrigin();
    request.identity = { session: read.session, ...presented };
    return true;
  }
}

/**
 * Browsers send `Origin` with every unsafe request; a client that sends none is not one, so no page can have made it do so.
 * Source: OWASP Cross-Site Request Forgery Prevention, "verifying origin with standard headers".
 */
function comesFromElsewhere(request: GatewayRequest): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return false;
  try {
    return new URL(origin).host !== request.host;
  } catch {
    return true; // "null": a sandboxed or local page
  }
}
