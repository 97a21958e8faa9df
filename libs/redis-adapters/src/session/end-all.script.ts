// Generated from end-all.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * All sessions of a user have ended: replaces the generation, if there is one, so that none is trusted unasked.
 *
 * @returns 1: replaced, 0: nothing of the user is here
 */
export const endAllScript: Script<
  {
    /** the user's */
    generation: string;
  },
  {
    /** a random name */
    successor: ScriptArgument;
  }
> = {
  name: "session/end-all",
  sha1: "6ed0d69f44146161b8c81506f6e2b6555f0a3720",
  keys: ["generation"],
  args: ["successor"],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- All sessions of a user have ended: replaces the generation, if there is one, so that none is trusted unasked.
-- @key generation the user's
-- @arg successor a random name
-- @returns 1: replaced, 0: nothing of the user is here

if redis.call('SET', KEYS[1], ARGV[1], 'XX', 'KEEPTTL') then return 1 end
return 0
`,
};
