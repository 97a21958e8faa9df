import type { ApiResponseOptions } from '@nestjs/swagger';

/** How a read was answered, for the OpenAPI document. */
export const CACHE_HEADER: ApiResponseOptions['headers'] = {
  'X-Cache': {
    description: 'how the cache answered',
    schema: { type: 'string', enum: ['hit', 'miss', 'stale', 'bypass'] },
  },
};
