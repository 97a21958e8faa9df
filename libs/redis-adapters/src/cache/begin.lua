#!lua
-- Takes the lease of a load, unless it is held, or another entry was stored since the caller looked.
-- @key entry the value
-- @key lease of the value
-- @arg token a random name
-- @arg leaseMs how long
-- @arg version of the entry that was seen, its first 13 digits; empty: none
-- @returns the token that holds the lease now, as text; empty: nobody, and there is another entry

local held = redis.call('GET', KEYS[2])
if held then return held end

local version = redis.call('GETRANGE', KEYS[1], 0, 12)
if #version ~= 13 or string.find(version, '%D') then version = '' end
if version ~= ARGV[3] then return '' end

redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
