import { HttpException, ServiceUnavailableException } from '@nestjs/common';
import type { Limit } from '@redstart/ports';

/** 429 for a limit that was reached; 503 where policy refuses because nobody can count. */
export function limited(limit: Limit): HttpException {
  if (limit.source === 'policy') {
    return new ServiceUnavailableException({
      code: 'LIMITS_UNAVAILABLE',
      detail: 'this cannot be allowed while its limit cannot be counted; try again',
      retryAfterMs: limit.retryAfterMs,
    });
  }
  const seconds = Math.max(1, Math.ceil(limit.retryAfterMs / 1000));
  return new HttpException(
    { code: 'LIMITED', detail: `too many requests; try again in ${seconds} s`, retryAfterMs: limit.retryAfterMs },
    429,
  );
}
