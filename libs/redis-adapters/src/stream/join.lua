#!lua flags=allow-oom
-- Counts a consumer as alive, and forgets the dead. Rings when it is new.
-- @key members of the group
-- @key memberBell of the group
-- @arg consumer who joins
-- @arg ttlMs after which it counts as dead
-- @returns each live consumer and the ms until it counts as dead, by name
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(now))
local isNew = redis.call('ZADD', KEYS[1], whole(now + ARGV[2]), ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], 0, 0, 'REV', 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], whole(tonumber(last[2])))
if isNew == 1 then redis.call('SPUBLISH', KEYS[2], '') end

local alive = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 2, #alive, 2 do alive[i] = tonumber(alive[i]) - now end
return alive
