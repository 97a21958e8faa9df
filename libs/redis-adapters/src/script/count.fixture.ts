import { createHash } from 'node:crypto';
import { type Script, type ScriptArgument } from './script.js';

/** Counts in one key: what a test runs to see how often it ran. */
export const countScript = scriptOf(`#!lua\nreturn redis.call('INCRBY', KEYS[1], ARGV[1])`, false);

/** Releases memory, so it must run on a full server. */
export const shrinkScript = scriptOf(`#!lua flags=allow-oom\nreturn redis.call('SET', KEYS[1], ARGV[1])`, true);

/** A key and an argument, as the generator would have made it. */
function scriptOf(source: string, allowOom: boolean): Script<{ counter: string }, { by: ScriptArgument }> {
  return {
    name: 'script/count',
    source,
    sha1: createHash('sha1').update(source).digest('hex'),
    keys: ['counter'],
    args: ['by'],
    allowOom,
  };
}
