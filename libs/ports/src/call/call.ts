/** What every call of every port takes. */
export interface Call {
  /** Ends the wait early; the call then rejects with an `AbortedFault`. */
  signal?: AbortSignal;
  /** Milliseconds this call may take in all. Default: the adapter's `timeoutMs`. Nothing waits longer. */
  budgetMs?: number;
}

/** How a value becomes bytes. `schema` is stored beside the value: another schema does not decode. */
export interface Codec<T> {
  readonly schema: string;
  encode(value: T): Uint8Array;
  /** @throws any error when the bytes are not a `T`; adapters treat that as "not there" or as poison, never as a crash. */
  decode(bytes: Uint8Array): T;
}

/** A worker or consumer that runs until it is stopped. */
export interface Running extends AsyncDisposable {
  /**
   * Takes no more work, waits up to `deadlineMs` for what it holds, then aborts the rest and hands it back
   * without burning an attempt. A second call answers like the first.
   */
  stop(options: { deadlineMs: number }): Promise<{ finished: number; handedBack: number }>;
}
