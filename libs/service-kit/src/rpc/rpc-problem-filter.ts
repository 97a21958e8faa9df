import { Catch, type ExceptionFilter } from '@nestjs/common';
import { BackendFault } from '@redstart/ports';
import { throwError, type Observable } from 'rxjs';
import type { Logger } from 'pino';
import type { MapError } from '../http/problem-filter.js';
import { faultProblem, internalProblem } from './fault-problem.js';
import { RpcProblemError } from './rpc-problem-error.js';

/** The one place where an error becomes an RPC answer: an `RpcProblem`, never a stack trace. */
@Catch()
export class RpcProblemFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    private readonly map: MapError = () => undefined,
  ) {}

  catch(error: unknown): Observable<never> {
    const known = error instanceof RpcProblemError ? error.problem : undefined;
    const found = this.map(error) ?? known ?? (error instanceof BackendFault ? faultProblem(error) : undefined);
    if (!found || found.status >= 500) this.logger.error({ err: error }, found?.code ?? 'INTERNAL');
    return throwError(() => found ?? internalProblem());
  }
}
