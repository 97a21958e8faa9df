import type {} from '@fastify/cookie'; // adds cookies to Fastify's types
import type { FastifyReply, FastifyRequest } from 'fastify';

export const SESSION_COOKIE = 'redstart_session';

/** The token of a request; the header wins over the cookie. */
export function tokenOf(request: FastifyRequest): { token: string; by: 'bearer' | 'cookie' } | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer) return { token: bearer, by: 'bearer' };
  const cookie = request.cookies[SESSION_COOKIE];
  return cookie ? { token: cookie, by: 'cookie' } : undefined;
}

/** Not readable by scripts, not sent by other sites' forms, and only over TLS where the request came over TLS. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  session: { token: string; expiresAt: number },
) {
  void reply.setCookie(SESSION_COOKIE, session.token, {
    httpOnly: true,
    sameSite: 'lax',
    secure: request.protocol === 'https',
    path: '/',
    expires: new Date(session.expiresAt),
  });
}

export function clearSessionCookie(reply: FastifyReply) {
  void reply.clearCookie(SESSION_COOKIE, { path: '/' });
}
