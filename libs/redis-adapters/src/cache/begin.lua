#!lua
-- Takes the lease of a load, unless it is held.
-- @key lease of the value
-- @arg token a random name
-- @arg leaseMs how long
-- @returns the token that holds the lease now, as text

local held = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'GET', 'PX', ARGV[2])
return held or ARGV[1]
