import { key, tag } from '../keys/key.js';

/**
 * STRING of pairs of doubles, for each rule the number of its window since the epoch and what was taken in it. TTL: until
 * the last of the windows ends. `counter` names the rule set. Owner: `take.lua`.
 */
export function windowsKey(subject: string, counter: string): string {
  return key('limiter', tag(subject), counter);
}
