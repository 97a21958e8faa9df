// The contract suites: for tests of adapters only, never in an image.
export * from './adapters.contract.js';
export * from './cache/cache.contract.js';
export * from './clock/clock.contract.js';
export * from './eventually/eventually.js';
export * from './faulty/faulty.js';
export * from './faulty/troubles.js';
export * from './leaderboard/leaderboard.contract.js';
export * from './limiter/rate-limiter.contract.js';
export * from './lock/lock.contract.js';
export * from './queue/queue.contract.js';
export * from './session/records-under-test.js';
export * from './session/session.contract.js';
export * from './stream/event-stream.contract.js';
