// Generated from resume.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Lets a subject's events go back to the group, with all their attempts. Rings the partition's bell.
 *
 * @returns how many they are; 0 when none of it waits
 */
export const resumeScript: Script<
  {
    /** of the group */
    parking: string;
    /** of the group */
    aside: string;
    /** of the group */
    resumed: string;
    /** of the partition */
    bell: string;
  },
  {
    /** whose events */
    subject: ScriptArgument;
  }
> = {
  name: "stream/resume",
  sha1: "8e13ac335dec25155455fba7f8fe3573bc6f19cd",
  keys: ["parking","aside","resumed","bell"],
  args: ["subject"],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- Lets a subject's events go back to the group, with all their attempts. Rings the partition's bell.
-- @key parking of the group
-- @key aside of the group
-- @key resumed of the group
-- @key bell of the partition
-- @arg subject whose events
-- @returns how many they are; 0 when none of it waits
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[3], string.format('%.0f', time[1] * 1000000 + time[2]), ARGV[1])
redis.call('SPUBLISH', KEYS[4], 'resumed')
local from, to = string.match(redis.call('HGET', KEYS[1], 's' .. ARGV[1]), '^(%d+) (%d+)$')
return to - from
`,
};
