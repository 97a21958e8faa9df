// Generated from prepare.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Makes the user's generation where there is none, and keeps it for a seeding to come.
 *
 * @returns a list: the generation, the server's time in ms
 */
export const prepareScript: Script<
  {
    /** the user's */
    generation: string;
  },
  {
    /** a random name */
    candidate: ScriptArgument;
  }
> = {
  name: "session/prepare",
  sha1: "e9139229befd289e9dd0db8e896719bdea0e618f",
  keys: ["generation"],
  args: ["candidate"],
  allowOom: false,
  source: `#!lua
-- Makes the user's generation where there is none, and keeps it for a seeding to come.
-- @key generation the user's
-- @arg candidate a random name
-- @returns a list: the generation, the server's time in ms

local generation = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'GET', 'PX', 60000)
if generation then redis.call('PEXPIRE', KEYS[1], 60000, 'GT') end
local time = redis.call('TIME')
return { generation or ARGV[1], time[1] * 1000 + math.floor(time[2] / 1000) }
`,
};
