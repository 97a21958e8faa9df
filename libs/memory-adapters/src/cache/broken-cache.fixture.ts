import { type CacheKey, type Call, type NewCacheEntry } from '@redstart/ports';
import { describeCacheContract } from '@redstart/ports/contracts';
import { MemoryCacheDriver } from './memory-cache-driver.js';
import { openMemoryCache } from './memory-cache.subject.js';

// Run by broken-cache.spec.ts: the suite must refuse this adapter.

/** It stores whatever a load brings, without looking whether an invalidation came in between. */
class IgnoresTheLease extends MemoryCacheDriver {
  override async finish(
    at: CacheKey,
    { token, entry }: { token: string; entry: NewCacheEntry },
    call?: Call,
  ): Promise<'finished' | 'superseded'> {
    const finished = await super.finish(at, { token, entry }, call);
    if (finished === 'superseded') await super.store(at, entry, call);
    return 'finished';
  }
}

describeCacheContract('a broken adapter', {
  open: () => openMemoryCache((backend) => new IgnoresTheLease(backend)),
});
