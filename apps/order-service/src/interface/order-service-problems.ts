import { MalformedRequestError } from '@redstart/service-kit';
import type { RpcProblem } from '@redstart/messages';
import { CacheOverloadedError } from '@redstart/ports';
import { OtherCurrencyError, UnknownSkuError } from '../catalogue/application/catalogue.js';
import {
  IdempotencyKeyInFlightError,
  IdempotencyKeyReusedError,
  OrderNotCancellableError,
  OrderNotFoundError,
} from '../orders/application/order-errors.js';
import { EmailTakenError, InvalidCredentialsError, UserNotFoundError } from '../users/application/user-errors.js';

const statuses: [new (...args: never[]) => Error & { code: string }, number][] = [
  [MalformedRequestError, 400],
  [InvalidCredentialsError, 401],
  [OrderNotFoundError, 404],
  [UserNotFoundError, 404],
  [UnknownSkuError, 404],
  [EmailTakenError, 409],
  [OrderNotCancellableError, 409],
  [IdempotencyKeyInFlightError, 409],
  [IdempotencyKeyReusedError, 422],
  [OtherCurrencyError, 422],
];

/** The one place where this service's errors become what its callers see. */
export function orderServiceProblem(error: unknown): RpcProblem | undefined {
  if (error instanceof CacheOverloadedError) {
    const { message, retryAfterMs } = error;
    return { status: 503, code: 'UNAVAILABLE', detail: message, retryAfterMs };
  }
  const status = statuses.find(([type]) => error instanceof type)?.[1];
  if (status === undefined) return undefined;
  const { code, message, errors, retryAfterMs } = error as Error & Pick<RpcProblem, 'code' | 'errors' | 'retryAfterMs'>;
  return {
    status,
    code,
    detail: message,
    ...(errors && { errors }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}
