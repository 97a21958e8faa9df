// Generated from leave.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * A consumer is gone. Rings.
 *
 * @returns 1 when it was a member
 */
export const leaveScript: Script<
  {
    /** of the group */
    members: string;
    /** of the group */
    memberBell: string;
  },
  {
    /** who leaves */
    consumer: ScriptArgument;
  }
> = {
  name: "stream/leave",
  sha1: "da5a0aed1c7de78d43794beba499f98df836d0bc",
  keys: ["members","memberBell"],
  args: ["consumer"],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- A consumer is gone. Rings.
-- @key members of the group
-- @key memberBell of the group
-- @arg consumer who leaves
-- @returns 1 when it was a member
local was = redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('SPUBLISH', KEYS[2], '')
return was
`,
};
