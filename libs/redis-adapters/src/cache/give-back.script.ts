// Generated from give-back.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Ends a load that leaves nothing.
 *
 * @returns 1: given back, 0: superseded
 */
export const giveBackScript: Script<
  {
    /** the value */
    entry: string;
    /** of the value */
    lease: string;
  },
  {
    /** whose lease it must be */
    token: ScriptArgument;
    /** 1: what was there goes too, 0: it stays */
    alsoEntry: ScriptArgument;
  }
> = {
  name: "cache/give-back",
  sha1: "3d5739d04f41ac03ec13b457caa9a113b7c4d4a2",
  keys: ["entry","lease"],
  args: ["token","alsoEntry"],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- Ends a load that leaves nothing.
-- @key entry the value
-- @key lease of the value
-- @arg token whose lease it must be
-- @arg alsoEntry 1: what was there goes too, 0: it stays
-- @returns 1: given back, 0: superseded

if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if ARGV[2] == '1' then redis.call('DEL', KEYS[1]) end
return 1
`,
};
