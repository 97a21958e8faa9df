// Generated from release.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Gives a partition up, if the fence is still its owner's.
 *
 * @returns 1 when it was given up
 */
export const releaseScript: Script<
  {
    /** of the group */
    state: string;
  },
  {
    /** of the owner */
    fence: ScriptArgument;
  }
> = {
  name: "stream/release",
  sha1: "675e780590faea3f9ddb69f417c2f44584fcb6ae",
  keys: ["state"],
  args: ["fence"],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- Gives a partition up, if the fence is still its owner's.
-- @key state of the group
-- @arg fence of the owner
-- @returns 1 when it was given up
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'owner', 'until')
return 1
`,
};
