import type { Limit, Rule } from '@redstart/ports';
import type { FastifyReply } from 'fastify';

const seconds = (ms: number) => Math.ceil(ms / 1000);

/** Source: IETF draft "RateLimit header fields for HTTP", `q` the quota, `w` its window, `r` what is left, `t` until reset. */
export function setRateLimitHeaders(reply: FastifyReply, rules: readonly Rule[], limit: Limit): void {
  const policy = rules.map(({ name, limit: quota, windowMs }) => `"${name}";q=${quota};w=${seconds(windowMs)}`);
  const left = limit.windows.map(({ rule, remaining, resetMs }) => `"${rule}";r=${remaining};t=${seconds(resetMs)}`);
  void reply.header('ratelimit-policy', policy.join(', ')).header('ratelimit', left.join(', '));
}
