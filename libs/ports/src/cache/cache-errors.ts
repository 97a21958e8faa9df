/** The cache's backend is away and as many loads run as the bulkhead allows: answer 503 with `Retry-After`. */
export class CacheOverloadedError extends Error {
  readonly code = 'CACHE_OVERLOADED';
  constructor(
    readonly space: string,
    readonly retryAfterMs: number,
    cause?: unknown,
  ) {
    super(`the cache is bypassed and no load of "${space}" can be taken now; try again in ${retryAfterMs} ms`, {
      cause,
    });
    this.name = 'CacheOverloadedError';
  }
}
