/** A write that must share its caller's transaction was given a plain connection. */
export class TransactionRequiredError extends Error {
  readonly code = 'TRANSACTION_REQUIRED';
  constructor(operation: string) {
    super(`${operation} must be called with the transaction whose writes it belongs to`);
    this.name = 'TransactionRequiredError';
  }
}
