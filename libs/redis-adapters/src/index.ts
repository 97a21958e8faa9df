export { RedisUrlError } from './connection/redis-url.js';
