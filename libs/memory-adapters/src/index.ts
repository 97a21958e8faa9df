export * from './clock/manual-clock.js';
export { MemoryBackend } from './memory-backend.js';
export { openAdapters } from './open-adapters.js';
