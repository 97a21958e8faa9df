import type { Adapters } from '@redstart/ports';
import type { ServiceContext } from '@redstart/service-kit';
import type { EventStreamingSettings } from './settings.js';

/** The URL decides which adapters are loaded; all-in-one brings its handle of the one memory backend. */
export async function openAdapters(
  settings: Pick<EventStreamingSettings, 'REDIS_URL' | 'CACHE_REDIS_URL' | 'REDIS_TIMEOUT_MS'>,
  {
    clock,
    openAdapters: given,
    onFault,
  }: Pick<ServiceContext, 'clock' | 'openAdapters'> & { onFault: (error: unknown) => void },
): Promise<Adapters> {
  const common = { timeoutMs: settings.REDIS_TIMEOUT_MS, clock, onFault };
  if (given) return given(common);
  if (settings.REDIS_URL === 'memory:') return (await import('@redstart/memory-adapters')).openAdapters(common);
  const redis = await import('@redstart/redis-adapters');
  return redis.openAdapters({ url: settings.REDIS_URL, cacheUrl: settings.CACHE_REDIS_URL, ...common });
}
