#!lua flags=allow-oom
-- All sessions of a user have ended: replaces the generation, if there is one, so that none is trusted unasked.
-- @key generation the user's
-- @arg successor a random name
-- @returns 1: replaced, 0: nothing of the user is here

if redis.call('SET', KEYS[1], ARGV[1], 'XX', 'KEEPTTL') then return 1 end
return 0
