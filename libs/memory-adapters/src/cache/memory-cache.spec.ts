import { describeCacheContract } from '@redstart/ports/contracts';
import { openMemoryCache } from './memory-cache.subject.js';

describeCacheContract('memory', { open: () => openMemoryCache() });
