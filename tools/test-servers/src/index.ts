export { freePort } from './free-port.js';
export { startDurablePostgres, type DurablePostgres } from './postgres/durable-postgres.js';
export { NoPostgresError } from './postgres/postgres-binaries.js';
export { startPostgres, type PostgresOptions, type PostgresServer } from './postgres/postgres-server.js';
export { createDatabase, sharedPostgres, type TestDatabase } from './postgres/test-database.js';
export { startProxy, type CutOptions, type Proxy } from './proxy.js';
export { findRedis, findRedisServer, NoRedisError, type RedisSource } from './redis/find-redis.js';
export { startRedis, type RedisOptions, type RedisServer } from './redis/redis-server.js';
export { sharedRedis } from './redis/shared-redis.js';
