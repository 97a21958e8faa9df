/** No such order, or another's: these are not told apart. */
export class OrderNotFoundError extends Error {
  readonly code = 'ORDER_NOT_FOUND';
  constructor() {
    super('there is no such order');
    this.name = 'OrderNotFoundError';
  }
}

export class OrderNotCancellableError extends Error {
  readonly code = 'ORDER_NOT_CANCELLABLE';
  constructor() {
    super('a rejected order cannot be cancelled');
    this.name = 'OrderNotCancellableError';
  }
}

export class IdempotencyKeyReusedError extends Error {
  readonly code = 'IDEMPOTENCY_KEY_REUSED';
  constructor() {
    super('this Idempotency-Key was used with another body');
    this.name = 'IdempotencyKeyReusedError';
  }
}

export class IdempotencyKeyInFlightError extends Error {
  readonly code = 'IDEMPOTENCY_KEY_IN_FLIGHT';
  constructor(readonly retryAfterMs = 1000) {
    super('a request with this Idempotency-Key is still under way');
    this.name = 'IdempotencyKeyInFlightError';
  }
}
