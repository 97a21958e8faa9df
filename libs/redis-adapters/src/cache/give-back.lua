#!lua flags=allow-oom
-- Ends a load that leaves nothing.
-- @key entry the value
-- @key lease of the value
-- @arg token whose lease it must be
-- @arg alsoEntry 1: what was there goes too, 0: it stays
-- @returns 1: given back, 0: superseded

if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if ARGV[2] == '1' then redis.call('DEL', KEYS[1]) end
return 1
