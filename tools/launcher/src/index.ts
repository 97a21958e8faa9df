export { administratorOf, type Administrator } from './administrator.js';
