export { probes, type Probe } from './probes.js';
