// The contract suites: for tests of adapters only, never in an image.
export * from './eventually/eventually.js';
export * from './faulty/faulty.js';
export * from './faulty/troubles.js';
export * from './leaderboard/leaderboard.contract.js';
export * from './limiter/rate-limiter.contract.js';
export * from './lock/lock.contract.js';
