#!lua flags=no-writes
-- Reads the newest dead letters.
-- @key dead of the shard
-- @key letters of the shard
-- @arg limit how many, at most 1,000
-- @arg deadAgeMs older ones are left out
-- @returns the letters
local time = redis.call('TIME')
local since = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[2])
local ids = redis.call('ZRANGE', KEYS[1], '+inf', '(' .. since, 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[1])
if #ids == 0 then return {} end
return redis.call('HMGET', KEYS[2], unpack(ids))
