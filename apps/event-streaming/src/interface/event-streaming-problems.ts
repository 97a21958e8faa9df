import { MalformedRequestError } from '@redstart/service-kit';
import type { RpcProblem } from '@redstart/messages';
import { UnknownLeaderboardError } from '../boards/application/board-errors.js';

/** The one place where this service's errors become what its callers see. */
export function eventStreamingProblem(error: unknown): RpcProblem | undefined {
  if (error instanceof MalformedRequestError) {
    const { code, message: detail, errors } = error;
    return { status: 400, code, detail, errors };
  }
  if (error instanceof UnknownLeaderboardError) return { status: 404, code: error.code, detail: error.message };
  return undefined;
}
