import type { Adapters } from '@redstart/ports';
import type { ServiceContext } from '@redstart/service-kit';
import type { EventStreamingSettings } from './settings.js';

/** The URL decides which adapters are loaded; all-in-one brings its handle of the one memory backend. */
export async function openAdapters(settings: EventStreamingSettings, context: ServiceContext): Promise<Adapters> {
  const common = {
    timeoutMs: settings.REDIS_TIMEOUT_MS,
    clock: context.clock,
    onFault: (error: unknown) => context.logger.warn({ err: error }, 'Redis'),
  };
  if (context.openAdapters) return context.openAdapters(common);
  if (settings.REDIS_URL === 'memory:') return (await import('@redstart/memory-adapters')).openAdapters(common);
  const redis = await import('@redstart/redis-adapters');
  return redis.openAdapters({ url: settings.REDIS_URL, cacheUrl: settings.CACHE_REDIS_URL, ...common });
}
