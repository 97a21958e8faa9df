import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { BackendFault } from '@redstart/ports';
import type { RpcProblem } from '@redstart/messages';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { RpcProblemError } from '../rpc/rpc-problem-error.js';
import { faultProblem, internalProblem } from '../rpc/fault-problem.js';
import { problem } from './problem.js';

/** What the service adds: its own errors. Undefined: not one of them. */
export type MapError = (error: unknown) => RpcProblem | undefined;

/** The one place where an error becomes an HTTP answer: `application/problem+json`, never a stack trace. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    private readonly map: MapError = () => undefined,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    if (reply.sent) return;
    const found = this.map(error) ?? known(error) ?? internalProblem();
    if (found.status >= 500) {
      // Without the query: it may name somebody.
      const [path] = request.url.split('?');
      this.logger.error({ err: error, method: request.method, path, reqId: request.id }, found.code);
    }
    // Source: RFC 9110, 11.6.1: a 401 says how to authenticate.
    if (found.status === 401) void reply.header('www-authenticate', 'Bearer');
    if (found.retryAfterMs !== undefined)
      void reply.header('retry-after', Math.max(1, Math.ceil(found.retryAfterMs / 1000)));
    void reply
      .code(found.status)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .send(JSON.stringify(problem({ ...pick(found), instance: `urn:request:${request.id}` })));
  }
}

const pick = ({ status, code, detail, errors }: RpcProblem) => ({ status, code, detail, ...(errors && { errors }) });

function known(error: unknown): RpcProblem | undefined {
  if (error instanceof RpcProblemError) return error.problem;
  if (error instanceof BackendFault) return faultProblem(error);
  if (error instanceof HttpException) return ofHttpException(error);
  return ofFastifyError(error);
}

const CODES: Record<number, string> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  409: 'CONFLICT',
  413: 'BODY_TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'UNPROCESSABLE',
  429: 'LIMITED',
  503: 'UNAVAILABLE',
};

function ofHttpException(error: HttpException): RpcProblem {
  const status = error.getStatus();
  const body = error.getResponse();
  const own = typeof body === 'object' ? (body as Partial<RpcProblem>) : {};
  return {
    status,
    code: own.code ?? CODES[status] ?? 'ERROR',
    detail: own.detail ?? error.message,
    errors: own.errors,
    retryAfterMs: own.retryAfterMs,
  };
}

/** What Fastify itself refuses before Nest sees it: a body that is no JSON or too large. */
function ofFastifyError(error: unknown): RpcProblem | undefined {
  const { statusCode, message, code } = (error ?? {}) as { statusCode?: number; message?: string; code?: string };
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500 || !code?.startsWith('FST_'))
    return undefined;
  return { status: statusCode, code: CODES[statusCode] ?? 'BAD_REQUEST', detail: message ?? 'the request was refused' };
}
