export { RedisUrlError } from './connection/redis-url.js';
export { openAdapters, type RedisAdapterSettings } from './open-adapters.js';
