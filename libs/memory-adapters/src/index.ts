export * from './clock/manual-clock.js';
