// Generated from register.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Makes the partition and the group, where they are not there or of a log that was lost.
 *
 * @returns 1 when it was made
 */
export const registerScript: Script<
  {
    /** of the partition */
    log: string;
    /** of the partition */
    meta: string;
    /** of the partition */
    ids: string;
    /** of the partition */
    groups: string;
    /** of the group */
    state: string;
    /** of the group */
    open: string;
  },
  {
    /** its name */
    group: ScriptArgument;
    /** "beginning": at the oldest that is retained; "end": after the last */
    startAt: ScriptArgument;
  }
> = {
  name: "stream/register",
  sha1: "021de7e7c9bdb62d1eaa22ff132c0ebaed91a84c",
  keys: ["log","meta","ids","groups","state","open"],
  args: ["group","startAt"],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- Makes the partition and the group, where they are not there or of a log that was lost.
-- @key log of the partition
-- @key meta of the partition
-- @key ids of the partition
-- @key groups of the partition
-- @key state of the group
-- @key open of the group
-- @arg group its name
-- @arg startAt "beginning": at the oldest that is retained; "end": after the last
-- @returns 1 when it was made
local LOG, META, IDS, GROUPS, STATE, OPEN = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local group, startAt = ARGV[1], ARGV[2]

local meta = redis.call('HMGET', META, 'inc', 'first', 'last')
local inc, first, last = meta[1], meta[2] or '1', meta[3] or '0'
if not inc then
  local time = redis.call('TIME')
  inc = string.format('%.0f', time[1] * 1000000 + time[2])
  redis.call('DEL', LOG, IDS)
  redis.call('HSET', META, 'inc', inc, 'first', first, 'last', last, 'bytes', 0)
end
if redis.call('HEXISTS', GROUPS, group) == 1 and redis.call('HGET', STATE, 'inc') == inc then return 0 end
redis.call('HSET', GROUPS, group, startAt == 'end' and last or string.format('%.0f', first - 1))
redis.call('DEL', OPEN)
redis.call('HDEL', STATE, 'owner', 'until')
redis.call('HSET', STATE, 'inc', inc)
return 1
`,
};
