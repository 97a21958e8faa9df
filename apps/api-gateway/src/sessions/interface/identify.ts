import type { SessionUser } from '@redstart/messages';
import type { SessionStore } from '@redstart/ports';
import type { GatewayRequest } from '../../edge/interface/gateway-request.js';
import { tokenOf } from './session-token.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Finds out who sent the request. Whether they may is the access guard's. */
export async function identify(request: GatewayRequest, sessions: SessionStore<SessionUser>): Promise<void> {
  const presented = tokenOf(request);
  if (!presented) return;
  const read = await sessions.read(presented.token);
  if (read.status !== 'active') return;
  // Another site's page is not the user: it shall not even use up their limits.
  if (presented.by === 'cookie' && !SAFE_METHODS.has(request.method) && comesFromElsewhere(request))
    request.fromForeignPage = true;
  else request.identity = { session: read.session, ...presented };
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
