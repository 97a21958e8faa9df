import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { malformed } from '../../edge/interface/refusals.js';

const PRINTABLE = /^[\x21-\x7e]{1,255}$/;

/** Required: a POST that may have happened can only be tried again with one. Source: IETF draft "The Idempotency-Key HTTP Header Field". */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const key = context.switchToHttp().getRequest<FastifyRequest>().headers['idempotency-key'];
  if (typeof key !== 'string' || !PRINTABLE.test(key)) {
    throw malformed('send an Idempotency-Key of 1 to 255 printable characters, a new one for each new order');
  }
  return key;
});
