import type { Rule } from '@redstart/ports';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Of each user (anonymous: each address) on each route. */
export const routeRules: readonly Rule[] = [
  { name: 'minute', limit: 100, windowMs: MINUTE_MS, algorithm: 'fixed' },
  { name: 'hour', limit: 1000, windowMs: HOUR_MS, algorithm: 'fixed' },
];

/** Where having a session, or many, must not get anybody more: passwords are tried there. */
export const byAddressAlone: ReadonlySet<string> = new Set(['POST /v1/sessions']);

/** Of each account at login, so that passwords cannot be tried. */
export const loginRules: readonly Rule[] = [{ name: 'login', limit: 10, windowMs: MINUTE_MS, algorithm: 'fixed' }];

/** One account, however its address is written: the forms that order-service takes for the same. */
export const accountOf = (email: string): string => `account:${email.normalize('NFKC').trim().toLowerCase()}`;
