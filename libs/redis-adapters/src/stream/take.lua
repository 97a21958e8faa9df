#!lua flags=allow-oom
-- Takes a partition that no lease covers, or goes on with it under the fence of before.
-- @key meta of the partition
-- @key groups of the partition
-- @key state of the group
-- @key open of the group
-- @key resumed of the group
-- @arg group its name
-- @arg consumer who takes
-- @arg leaseMs for which it has it
-- @arg fence under which it had it, or ""
-- @returns -1: not registered; 0, owner, ms until its lease ends; 1, fence, 1 when the fence is the one of before,
--   incarnation, all up to here is acknowledged, resumed subjects, then sequence and deliveries of each open event
local META, GROUPS, STATE, OPEN, RESUMED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local group, consumer, leaseMs, offered = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local now = math.floor(nowUs / 1000)

local meta = redis.call('HMGET', META, 'inc', 'first')
local state = redis.call('HMGET', STATE, 'inc', 'owner', 'until', 'fence')
local inc, owner, ends, fence = state[1], state[2], tonumber(state[3] or 0), state[4] or '0'
local committed = redis.call('HGET', GROUPS, group)
if not inc or not committed or inc ~= meta[1] then return { -1 } end

local continued = owner == consumer and offered == fence
if not continued then
  if owner and owner ~= consumer and ends > now then return { 0, owner, ends - now } end
  -- By the clock, so that it is higher also after the group was lost.
  fence = string.format('%.0f', math.max(tonumber(fence) + 1, nowUs))
end
redis.call('HSET', STATE, 'owner', consumer, 'fence', fence, 'until', string.format('%.0f', now + leaseMs))
local reply = {
  1,
  fence,
  continued and 1 or 0,
  inc,
  math.max(tonumber(committed), tonumber(meta[2]) - 1),
  redis.call('ZCARD', RESUMED),
}
for _, value in ipairs(redis.call('HGETALL', OPEN)) do reply[#reply + 1] = value end
return reply
