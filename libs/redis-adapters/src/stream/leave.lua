#!lua flags=allow-oom
-- A consumer is gone. Rings.
-- @key members of the group
-- @key memberBell of the group
-- @arg consumer who leaves
-- @returns 1 when it was a member
local was = redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('SPUBLISH', KEYS[2], '')
return was
