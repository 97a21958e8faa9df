// Generated from parked.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Events of subjects that wait to be resumed: the subject that was set aside first comes first, its events in order.
 *
 * @returns for each: attempts, reason, when (ms), id, subject, event id, schema, payload
 */
export const parkedScript: Script<
  {
    /** of the group */
    parking: string;
    /** of the group */
    aside: string;
  },
  {
    /** how many events */
    limit: ScriptArgument;
  }
> = {
  name: "stream/parked",
  sha1: "0c097e8a8884426caeb27346844a6313d64af27b",
  keys: ["parking","aside"],
  args: ["limit"],
  allowOom: false,
  source: `#!lua flags=no-writes
-- Events of subjects that wait to be resumed: the subject that was set aside first comes first, its events in order.
-- @key parking of the group
-- @key aside of the group
-- @arg limit how many events
-- @returns for each: attempts, reason, when (ms), id, subject, event id, schema, payload
local PARKING = KEYS[1]
local left = tonumber(ARGV[1])
local reply = {}
for _, subject in ipairs(redis.call('ZRANGE', KEYS[2], 0, left - 1)) do
  local from, to = string.match(redis.call('HGET', PARKING, 's' .. subject), '^(%d+) (%d+)$')
  for index = tonumber(from), math.min(to - 1, from + left - 1) do
    left = left - 1
    local event = cmsgpack.unpack(redis.call('HGET', PARKING, 'e' .. index .. ' ' .. subject))
    reply[#reply + 1] = tostring(event[6])
    reply[#reply + 1] = event[7]
    reply[#reply + 1] = string.format('%.0f', event[8])
    for field = 1, 5 do reply[#reply + 1] = event[field] end
  end
  if left <= 0 then break end
end
return reply
`,
};
