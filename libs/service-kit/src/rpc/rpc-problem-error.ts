import type { RpcProblem } from '@redstart/messages';

/** Another service refused, and said why. */
export class RpcProblemError extends Error {
  readonly code: string;
  constructor(readonly problem: RpcProblem) {
    super(problem.detail);
    this.name = 'RpcProblemError';
    this.code = problem.code;
  }
}

export function isRpcProblem(value: unknown): value is RpcProblem {
  const { status, code, detail } = (value ?? {}) as Partial<RpcProblem>;
  return typeof status === 'number' && typeof code === 'string' && typeof detail === 'string';
}
