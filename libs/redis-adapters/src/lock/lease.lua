#!lua flags=allow-oom
-- Takes, renews and releases leases: a batch of independent calls, each done before the next.
-- A lease's value is <fence>:<token>. Taking is idempotent by token: the holder gets its fence again, and a whole lease.
-- A new fence is max(last + 1, the server's time in µs).
-- @key leaseAndFence... for each call, the lease of its resource and the fence of its resource
-- @arg tokenAndTtl... for each call, its token, then ms above 0 to take, below 0 to renew for so long, 0 to release
-- @returns a list, for each call: taken: the fence, as text; busy: minus the ms left, as an integer; renewed or
-- released: 1, lost: 0, as integers
local answers = {}
local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])

for i = 1, #KEYS, 2 do
  local token = ARGV[i]
  local ms = tonumber(ARGV[i + 1])
  local value = redis.call('GET', KEYS[i])
  local heldFence, holder
  if value then
    local colon = string.find(value, ':', 1, true)
    heldFence = string.sub(value, 1, colon - 1)
    holder = string.sub(value, colon + 1)
  end
  local answer
  if ms > 0 then
    if holder and holder ~= token then
      answer = -math.max(1, redis.call('PTTL', KEYS[i]))
    elseif holder then
      redis.call('PEXPIRE', KEYS[i], ms)
      answer = heldFence
    else
      local last = tonumber(redis.call('GET', KEYS[i + 1]) or '0')
      local fence = string.format('%.0f', math.max(last + 1, micros))
      redis.call('SET', KEYS[i + 1], fence, 'PX', 86400000)
      redis.call('SET', KEYS[i], fence .. ':' .. token, 'PX', ms)
      answer = fence
    end
  elseif holder ~= token then
    answer = 0
  elseif ms < 0 then
    answer = redis.call('PEXPIRE', KEYS[i], -ms)
  else
    answer = redis.call('DEL', KEYS[i])
  end
  answers[#answers + 1] = answer
end

return answers
