// Generated from begin.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Takes the lease of a load, unless it is held.
 *
 * @returns the token that holds the lease now, as text
 */
export const beginScript: Script<
  {
    /** of the value */
    lease: string;
  },
  {
    /** a random name */
    token: ScriptArgument;
    /** how long */
    leaseMs: ScriptArgument;
  }
> = {
  name: "cache/begin",
  sha1: "ebdefd709d6e3378764b066322cf7aa94969e301",
  keys: ["lease"],
  args: ["token","leaseMs"],
  allowOom: false,
  source: `#!lua
-- Takes the lease of a load, unless it is held.
-- @key lease of the value
-- @arg token a random name
-- @arg leaseMs how long
-- @returns the token that holds the lease now, as text

local held = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'GET', 'PX', ARGV[2])
return held or ARGV[1]
`,
};
