import { createHash, randomBytes } from 'node:crypto';
import type { SessionKey } from './session-driver.js';

const SECRET_BYTES = 32;
/** What 32 bytes are in base64url; the last character carries four bits, so only 16 are possible. */
const SECRET = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
/** Printable ASCII: what any store of records can be asked for. It may contain dots; the secret never does. */
const USER_ID = /^[\x21-\x7e]{1,128}$/;

/** A new token, `<user id>.<256-bit secret>`, and what is kept of it. */
export function newSessionToken(userId: string): { token: string; tokenHash: string } {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { token: `${userId}.${secret}`, tokenHash: hashOf(secret) };
}

/** Undefined for what can be no token of ours. */
export function parseSessionToken(token: string): SessionKey | undefined {
  const dot = token.lastIndexOf('.');
  const [userId, secret] = [token.slice(0, Math.max(0, dot)), token.slice(dot + 1)];
  if (!USER_ID.test(userId) || !SECRET.test(secret)) return undefined;
  return { userId, tokenHash: hashOf(secret) };
}

/** No salt, no stretching: the secret is 256 random bits. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
