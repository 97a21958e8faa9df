export { startProxy, type CutOptions, type Proxy } from './proxy.js';
export { findRedis, findRedisServer, NoRedisError, type RedisSource } from './redis/find-redis.js';
export { startRedis, type RedisOptions, type RedisServer } from './redis/redis-server.js';
export { sharedRedis } from './redis/shared-redis.js';
export { freePort } from './free-port.js';
