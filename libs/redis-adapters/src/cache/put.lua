#!lua
-- Stores an entry and takes the lease away: for a load only while the lease is its own, so that a loader which began
-- before an invalidation leaves nothing behind.
-- @key entry the value
-- @key lease of the value
-- @arg token whose lease it must be; empty: whatever is held
-- @arg envelope without its first 13 bytes, which are the server's time in ms
-- @arg keepMs how long it is kept in all
-- @returns 1: stored, 0: superseded

if ARGV[1] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = string.format('%013.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('SET', KEYS[1], now .. ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
