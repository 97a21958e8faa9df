#!lua flags=allow-oom
-- A session has ended: marks its entry until the absolute limit. Without one, a seeding may be on its way: the user's
-- generation is replaced, if there is one, and the seeding refused.
-- @key entry the session
-- @key generation the user's
-- @arg successor a random name
-- @returns 1: marked, 0: there was no entry

if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SET', KEYS[2], ARGV[1], 'XX', 'KEEPTTL')
  return 0
end
redis.call('HSET', KEYS[1], 'state', 'ended')
redis.call('HDEL', KEYS[1], 'body')
return 1
