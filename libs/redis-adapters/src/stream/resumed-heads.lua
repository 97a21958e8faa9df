#!lua flags=no-writes
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
