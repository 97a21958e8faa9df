#!lua flags=allow-oom
-- Renews the lease of a load that goes on.
-- @key lease of the value
-- @arg token whose lease it must be
-- @arg leaseMs from now
-- @returns 1: renewed, 0: it is another's, or nobody's

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
