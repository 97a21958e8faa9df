#!lua flags=allow-oom
-- One worker's turn, in one step: settles what it held, takes back tasks whose lease has ended, moves delayed tasks that
-- are due into the line, takes tasks from its head.
-- @key meta of the shard
-- @key waiting of the shard
-- @key delayed of the shard
-- @key leases of the shard
-- @key active of the shard
-- @key dead of the shard
-- @key letters of the shard
-- @key known of the shard
-- @key forget of the shard
-- @key bell of the shard
-- @key taken of the worker
-- @arg turn of the worker, higher each time; an exchange that is overtaken by a later one settles only
-- @arg received the last turn whose reply the worker has: what a later one took is delivered again
-- @arg want how many tasks to take, at most 1,000
-- @arg leaseMs of what is taken
-- @arg attempts before a task whose lease has ended is dead
-- @arg dedupeMs for which a dedupe field is known after the end
-- @arg deadCount of letters kept
-- @arg deadAgeMs of letters kept
-- @arg done how many tokens follow of tasks that are done, at most 1,000
-- @arg settled... those tokens; then token, verdict, number, reason of each other one: verdict "retry" or "retry-free"
--   with its delay in ms, "release", "dead" with its reason
-- @returns the tokens refused, ms until there is more to take (-1: not known; 0 also where the reply was large enough),
--   and the records taken
local META, WAITING, DELAYED, LEASES, ACTIVE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local DEAD, LETTERS, KNOWN, FORGET, BELL, TAKEN = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local turn, received, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local leaseMs, attempts, dedupeMs = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local deadCount, deadAgeMs, done = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local now = math.floor(nowUs / 1000)

local function whole(number) return string.format('%.0f', number) end
local function head(record) return string.match(record, '^(%d+)|(%d+)|(%d+)|(%d+)|()') end
local function burnedOf(record) return tonumber((string.match(record, '^%d+|(%d+)|'))) end
local function withBurned(record, burned)
  local number, rest = string.match(record, '^(%d+)|%d+(|.*)$')
  return number .. '|' .. burned .. rest
end

-- Tasks that end: their bytes are free, their dedupe fields known for a while.
local freed, endedFields, endedIds = 0, {}, {}
local function close(record)
  local _, _, idBytes, fieldBytes, at = head(record)
  freed = freed + #record - at + 1
  if fieldBytes == '0' then return end
  local id = string.sub(record, at, at + idBytes - 1)
  local field = string.sub(record, at + idBytes, at + idBytes + fieldBytes - 1)
  endedFields[#endedFields + 1] = field == 'i' and 'i' .. id or field
  endedIds[#endedIds + 1] = id
end

local buried = false
local function bury(record, reason)
  close(record)
  local _, burned, idBytes, _, at = head(record)
  local id = string.sub(record, at, at + idBytes - 1)
  redis.call('ZADD', DEAD, whole(now), id)
  redis.call('HSET', LETTERS, id, whole(now) .. '|' .. (burned + 1) .. '|' .. #reason .. '|' .. reason .. record)
  buried = true
end

-- Settle. A token that is not active was settled, or its task was taken over.
local refused, back = {}, {}
if done > 0 then
  local last = 9 + done
  local records = redis.call('HMGET', ACTIVE, unpack(ARGV, 10, last))
  local tokens, seen = {}, {}
  for i = 1, done do
    local token = ARGV[9 + i]
    if records[i] and not seen[token] then
      seen[token] = true
      close(records[i])
      tokens[#tokens + 1] = token
    else
      refused[#refused + 1] = token
    end
  end
  if #tokens > 0 then
    redis.call('HDEL', ACTIVE, unpack(tokens))
    redis.call('ZREM', LEASES, unpack(tokens))
  end
end
for i = 10 + done, #ARGV, 4 do
  local token, verdict = ARGV[i], ARGV[i + 1]
  local record = redis.call('HGET', ACTIVE, token)
  if not record then
    refused[#refused + 1] = token
  else
    redis.call('HDEL', ACTIVE, token)
    redis.call('ZREM', LEASES, token)
    if verdict == 'release' then
      back[#back + 1] = record
    elseif verdict == 'dead' then
      bury(record, ARGV[i + 3])
    else
      if verdict == 'retry' then record = withBurned(record, burnedOf(record) + 1) end
      redis.call('ZADD', DELAYED, whole(now + ARGV[i + 2]), record)
    end
  end
end

-- What an earlier turn took and its reply did not bring. An exchange that waited in a broken connection's buffer until a
-- later one had run takes nothing: nobody is listening.
local taken, records = {}, {}
local stale = false
local before = redis.call('GET', TAKEN)
if before then
  local lastTurn, tokens = string.match(before, '^(%d+)|(.*)$')
  lastTurn = tonumber(lastTurn)
  if turn <= lastTurn then
    stale = true
  elseif lastTurn > received then
    for token in string.gmatch(tokens, '%d+') do
      local record = redis.call('HGET', ACTIVE, token)
      if record then
        taken[#taken + 1] = token
        records[#records + 1] = record
        redis.call('ZADD', LEASES, whole(now + leaseMs), token)
      end
    end
  end
end

-- Leases that have ended: to the head, with an attempt burned.
local over = redis.call('ZRANGEBYSCORE', LEASES, '-inf', whole(now), 'LIMIT', 0, 200)
if #over > 0 then
  local lapsed = redis.call('HMGET', ACTIVE, unpack(over))
  redis.call('HDEL', ACTIVE, unpack(over))
  redis.call('ZREM', LEASES, unpack(over))
  for _, record in ipairs(lapsed) do
    if record then
      local burned = burnedOf(record) + 1
      if burned >= attempts then
        bury(record, 'the lease of delivery ' .. burned .. ' ran out')
      else
        back[#back + 1] = withBurned(record, burned)
      end
    end
  end
end

-- Back into the line: released and taken-back tasks at its head, due ones at its tail, with new numbers.
local due = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', whole(now), 'LIMIT', 0, 200)
if #back + #due > 0 then
  local last = math.max(tonumber(redis.call('HGET', META, 'last') or 0), nowUs - 1)
  local function renumbered(record)
    last = last + 1
    return whole(last) .. string.sub(record, string.find(record, '|', 1, true), -1)
  end
  if #back > 0 then
    -- Numbers have one width: the order of the texts is theirs.
    table.sort(back, function(a, b) return a > b end)
    for _, record in ipairs(back) do redis.call('LPUSH', WAITING, renumbered(record)) end
  end
  if #due > 0 then
    redis.call('ZREM', DELAYED, unpack(due))
    for i, record in ipairs(due) do due[i] = renumbered(record) end
    redis.call('RPUSH', WAITING, unpack(due))
  end
  redis.call('HSET', META, 'last', whole(last))
end

-- Take.
local short = false
if stale then
  want = 0
elseif want > #taken then
  local ends = whole(now + leaseMs)
  -- In small helpings, to stop when a reply would be too large: large tasks come in several.
  local bytes = 0
  while #taken < want and not short and bytes < 8388608 do
    local helping = math.min(32, want - #taken)
    local line = redis.call('LPOP', WAITING, helping) or {}
    local leases, active = {}, {}
    for i, record in ipairs(line) do
      local token = string.sub(record, 1, string.find(record, '|', 1, true) - 1)
      leases[2 * i - 1], leases[2 * i] = ends, token
      active[2 * i - 1], active[2 * i] = token, record
      taken[#taken + 1] = token
      records[#records + 1] = record
      bytes = bytes + #record
    end
    if #line > 0 then
      redis.call('ZADD', LEASES, unpack(leases))
      redis.call('HSET', ACTIVE, unpack(active))
    end
    short = #line < helping
  end
end
if not stale then
  redis.call('SET', TAKEN, turn .. '|' .. table.concat(taken, ' '), 'PX', whole(math.max(leaseMs, 60000)))
end

-- Account for what has ended, and let go of what nobody needs any more.
if freed > 0 then redis.call('HINCRBY', META, 'bytes', -freed) end
if #endedFields > 0 then
  -- A field that was claimed again since (its task came back from the dead) is the newer task's.
  local owners = redis.call('HMGET', KNOWN, unpack(endedFields))
  local later, now_ = {}, {}
  local ends = whole(now + dedupeMs)
  for i, owner in ipairs(owners) do
    if owner == endedIds[i] then
      if dedupeMs > 0 then
        later[#later + 1] = ends
        later[#later + 1] = endedFields[i]
      else
        now_[#now_ + 1] = endedFields[i]
      end
    end
  end
  if #later > 0 then redis.call('ZADD', FORGET, unpack(later)) end
  if #now_ > 0 then redis.call('HDEL', KNOWN, unpack(now_)) end
end
if #endedFields > 0 or short then
  local forgotten = redis.call('ZRANGEBYSCORE', FORGET, '-inf', whole(now), 'LIMIT', 0, 100 + 2 * #endedFields)
  if #forgotten > 0 then
    redis.call('HDEL', KNOWN, unpack(forgotten))
    redis.call('ZREM', FORGET, unpack(forgotten))
  end
end
if buried or short then
  local old = redis.call('ZRANGEBYSCORE', DEAD, '-inf', whole(now - deadAgeMs), 'LIMIT', 0, 200)
  local excess = redis.call('ZCARD', DEAD) - #old - deadCount
  if excess > 0 then
    local oldest = redis.call('ZRANGE', DEAD, #old, #old + math.min(excess, 2000) - 1)
    for _, id in ipairs(oldest) do old[#old + 1] = id end
  end
  if #old > 0 then
    redis.call('ZREM', DEAD, unpack(old))
    redis.call('HDEL', LETTERS, unpack(old))
  end
end

-- Others may be idle: this worker has left some of what it put into the line.
if #back + #due > 0 and redis.call('LLEN', WAITING) > 0 then redis.call('SPUBLISH', BELL, '') end

local next = -1
if short then
  local soonest = math.huge
  local firstDue = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
  local firstEnd = redis.call('ZRANGE', LEASES, 0, 0, 'WITHSCORES')
  if firstDue[2] then soonest = math.min(soonest, tonumber(firstDue[2])) end
  if firstEnd[2] then soonest = math.min(soonest, tonumber(firstEnd[2])) end
  if soonest < math.huge then next = math.max(0, soonest - now) end
elseif #taken < want then
  next = 0
end
return { refused, next, records }
