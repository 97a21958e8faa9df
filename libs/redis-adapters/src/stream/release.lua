#!lua flags=allow-oom
-- Gives a partition up, if the fence is still its owner's.
-- @key state of the group
-- @arg fence of the owner
-- @returns 1 when it was given up
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'owner', 'until')
return 1
