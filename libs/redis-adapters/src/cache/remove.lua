#!lua flags=allow-oom
-- Forgets entries and takes their leases away: a batch of independent calls.
-- @key entryAndLease... for each, its entry and its lease
-- @returns how many there were

local removed = 0
for i = 1, #KEYS do removed = removed + redis.call('DEL', KEYS[i]) end
return removed
