// Generated from resumed-heads.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * The first event of subjects that were resumed.
 *
 * @returns for each: index, deliveries since it was resumed, id, subject, event id, schema, payload
 */
export const resumedHeadsScript: Script<
  {
    /** of the group */
    parking: string;
    /** of the group */
    resumed: string;
  },
  {
    /** how many subjects */
    limit: ScriptArgument;
  }
> = {
  name: "stream/resumed-heads",
  sha1: "b5ee9f25613c54c3a895d824d38038325217b497",
  keys: ["parking","resumed"],
  args: ["limit"],
  allowOom: false,
  source: `#!lua flags=no-writes
-- The first event of subjects that were resumed.
-- @key parking of the group
-- @key resumed of the group
-- @arg limit how many subjects
-- @returns for each: index, deliveries since it was resumed, id, subject, event id, schema, payload
local PARKING = KEYS[1]
local reply = {}
for _, subject in ipairs(redis.call('ZRANGE', KEYS[2], 0, ARGV[1] - 1)) do
  local from = string.match(redis.call('HGET', PARKING, 's' .. subject), '^(%d+)')
  local event = cmsgpack.unpack(redis.call('HGET', PARKING, 'e' .. from .. ' ' .. subject))
  reply[#reply + 1] = from
  reply[#reply + 1] = redis.call('HGET', PARKING, 't' .. subject) or '0'
  for field = 1, 5 do reply[#reply + 1] = event[field] end
end
return reply
`,
};
