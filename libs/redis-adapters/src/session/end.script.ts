// Generated from end.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * A session has ended: marks its entry until the absolute limit. Without one, a seeding may be on its way: the user's generation is replaced, if there is one, and the seeding refused.
 *
 * @returns 1: marked, 0: there was no entry
 */
export const endScript: Script<
  {
    /** the session */
    entry: string;
    /** the user's */
    generation: string;
  },
  {
    /** a random name */
    successor: ScriptArgument;
  }
> = {
  name: "session/end",
  sha1: "098c708f3cad5c0f8e2f30d849aa98a7db04b8e1",
  keys: ["entry","generation"],
  args: ["successor"],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- A session has ended: marks its entry until the absolute limit. Without one, a seeding may be on its way: the user's
-- generation is replaced, if there is one, and the seeding refused.
-- @key entry the session
-- @key generation the user's
-- @arg successor a random name
-- @returns 1: marked, 0: there was no entry

if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SET', KEYS[2], ARGV[1], 'XX', 'KEEPTTL')
  return 0
end
redis.call('HSET', KEYS[1], 'state', 'ended')
redis.call('HDEL', KEYS[1], 'body')
return 1
`,
};
