#!lua flags=allow-oom
-- Renews an owner's lease and applies what it reports. Every step may be repeated.
-- @key log of the partition
-- @key meta of the partition
-- @key groups of the partition
-- @key state of the group
-- @key open of the group
-- @key parking of the group
-- @key aside of the group
-- @key resumed of the group
-- @arg group its name
-- @arg fence of the owner
-- @arg leaseMs for which it has the partition from now on
-- @arg maxParkedBytes bound of the parking
-- @arg steps... one after the other, b begin, h hand back, a acknowledge, p park: of an event in the log "b sequence
--   attempt", "h sequence attempt", "a sequence", "p sequence attempt reason"; of the first event of a resumed subject
--   "B", "H", "A", "P" with subject and index for the sequence
-- @returns nothing: lost; else all up to here is acknowledged, resumed subjects, and for each step 1 done, 2 followed its
--   subject into the parking, 3 the parking is full, 4 another event is the subject's first
local LOG, META, GROUPS, STATE, OPEN = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PARKING, ASIDE, RESUMED = KEYS[6], KEYS[7], KEYS[8]
local group, leaseMs, maxParkedBytes = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local DONE, FOLLOWED, FULL, GONE = 1, 2, 3, 4
local FOLLOWS = 'behind a parked event of its subject'

local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local now = math.floor(nowUs / 1000)
local function whole(number) return string.format('%.0f', number) end

local meta = redis.call('HMGET', META, 'inc', 'first')
local state = redis.call('HMGET', STATE, 'fence', 'owner', 'inc', 'parkedBytes')
if state[1] ~= ARGV[2] or not state[2] or not meta[1] or state[3] ~= meta[1] then return {} end
redis.call('HSET', STATE, 'until', whole(now + leaseMs))
local first = tonumber(meta[2])
local parkedBytes = tonumber(state[4] or 0)
local before = tonumber(redis.call('HGET', GROUPS, group) or first - 1)
local committed = before

local function advance()
  local following = whole(committed + 1)
  while redis.call('HGET', OPEN, following) == '0' do
    redis.call('HDEL', OPEN, following)
    committed = committed + 1
    following = whole(committed + 1)
  end
end

-- Trimming has passed what was not acknowledged.
if committed < first - 1 then
  local acknowledged = 0
  local open = redis.call('HGETALL', OPEN)
  for i = 1, #open, 2 do
    if tonumber(open[i]) < first then
      if open[i + 1] == '0' then acknowledged = acknowledged + 1 end
      redis.call('HDEL', OPEN, open[i])
    end
  end
  redis.call('HINCRBY', STATE, 'lost', whole(first - 1 - committed - acknowledged))
  committed = first - 1
  advance()
end

local function acknowledge(sequence)
  if tonumber(sequence) == committed + 1 then
    redis.call('HDEL', OPEN, sequence)
    committed = committed + 1
    advance()
  else
    redis.call('HSET', OPEN, sequence, 0)
  end
end

local anyAside = redis.call('EXISTS', PARKING) == 1

local function range(subject)
  local from, to = string.match(redis.call('HGET', PARKING, 's' .. subject) or '', '^(%d+) (%d+)$')
  return tonumber(from), tonumber(to)
end

local function entryOf(sequence)
  local entry = redis.call('XRANGE', LOG, sequence, sequence)[1]
  if not entry then return nil end
  local fields = entry[2]
  return { entry[1], fields[2], fields[4], fields[6], fields[8] }
end

local function bytesOf(event) return #event[5] + #event[2] + #event[3] + 64 end

local function setAside(event, sequence, attempts, reason)
  local bytes = bytesOf(event)
  if parkedBytes + bytes > maxParkedBytes then return false end
  local subject = event[2]
  local from, to = range(subject)
  if not from then
    from, to = 0, 0
    redis.call('ZADD', ASIDE, whole(nowUs), subject)
  end
  event[6], event[7], event[8] = tonumber(attempts), reason, now
  redis.call('HSET', PARKING, 's' .. subject, from .. ' ' .. to + 1, 'e' .. to .. ' ' .. subject, cmsgpack.pack(event))
  redis.call('HINCRBY', STATE, 'parked', 1)
  parkedBytes = parkedBytes + bytes
  anyAside = true
  acknowledge(sequence)
  return true
end

local outcomes = {}
local at = 5
local function argument()
  local value = ARGV[at]
  at = at + 1
  return value
end

local function inLog(step)
  local sequence = argument()
  local attempt = step ~= 'a' and argument()
  local reason = step == 'p' and argument()
  if tonumber(sequence) <= committed or redis.call('HGET', OPEN, sequence) == '0' then return DONE end
  if step == 'b' then
    local event = anyAside and entryOf(sequence)
    if event and range(event[2]) then return setAside(event, sequence, 0, FOLLOWS) and FOLLOWED or FULL end
    redis.call('HSET', OPEN, sequence, attempt)
  elseif step == 'h' then
    if attempt == '0' then redis.call('HDEL', OPEN, sequence) else redis.call('HSET', OPEN, sequence, attempt) end
  elseif step == 'a' then
    acknowledge(sequence)
  else
    local event = entryOf(sequence)
    if event and not setAside(event, sequence, attempt, reason) then return FULL end
  end
  return DONE
end

local function inParking(step)
  local subject, index = argument(), argument()
  local attempt = step ~= 'A' and argument()
  local reason = step == 'P' and argument()
  local from, to = range(subject)
  if from ~= tonumber(index) or not redis.call('ZSCORE', RESUMED, subject) then return GONE end
  local field = 'e' .. from .. ' ' .. subject
  if step == 'B' or step == 'H' then
    redis.call('HSET', PARKING, 't' .. subject, attempt)
    return DONE
  end
  local event = cmsgpack.unpack(redis.call('HGET', PARKING, field))
  redis.call('HDEL', PARKING, 't' .. subject)
  if step == 'A' then
    redis.call('HDEL', PARKING, field)
    redis.call('HINCRBY', STATE, 'parked', -1)
    parkedBytes = parkedBytes - bytesOf(event)
    if from + 1 < to then
      redis.call('HSET', PARKING, 's' .. subject, from + 1 .. ' ' .. to)
    else
      redis.call('HDEL', PARKING, 's' .. subject)
      redis.call('ZREM', RESUMED, subject)
    end
  else
    event[6], event[7], event[8] = tonumber(attempt), reason, now
    redis.call('HSET', PARKING, field, cmsgpack.pack(event))
    redis.call('ZREM', RESUMED, subject)
    redis.call('ZADD', ASIDE, whole(nowUs), subject)
  end
  return DONE
end

while at <= #ARGV do
  local step = argument()
  outcomes[#outcomes + 1] = step == string.lower(step) and inLog(step) or inParking(step)
end

if committed ~= before then redis.call('HSET', GROUPS, group, whole(committed)) end
if parkedBytes ~= tonumber(state[4] or 0) then redis.call('HSET', STATE, 'parkedBytes', whole(parkedBytes)) end
local reply = { committed, redis.call('ZCARD', RESUMED) }
for i, outcome in ipairs(outcomes) do reply[i + 2] = outcome end
return reply
