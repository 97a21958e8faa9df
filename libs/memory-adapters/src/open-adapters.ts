import { type Adapters, type AdapterSettings } from '@redstart/ports';
import { MemoryBackend } from './memory-backend.js';

/** The ports on a backend of their own: `REDIS_URL=memory:` of a lone service. Nothing outside sees what it holds. */
export function openAdapters(settings: AdapterSettings): Adapters {
  return new MemoryBackend(settings.clock).open(settings);
}
