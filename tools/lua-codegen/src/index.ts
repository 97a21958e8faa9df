export * from './check-body.js';
export * from './contract.js';
export * from './generate.js';
export * from './render.js';
