// Generated from enqueue.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Adds tasks. Of each group all that are new, or none when they do not fit. Rings when one waits in an empty shard, or is due before all others.
 *
 * @returns 1 when all are queued, else a list with one entry a task: 1 queued, 0 full, or the first id of its field
 */
export const enqueueScript: Script<
  {
    /** of the shard */
    meta: string;
    /** of the shard */
    waiting: string;
    /** of the shard */
    delayed: string;
    /** of the shard */
    known: string;
    /** of the shard */
    forget: string;
    /** of the shard */
    bell: string;
  },
  {
    /** that waiting, delayed and active tasks may hold */
    maxBytes: ScriptArgument;
    /** one after the other: group, bytes of the body (4 bytes each), delay in ms (a double), bytes of the id and of the dedupe field (2 each), all big-endian; then id, dedupe field, body. The field "i" stands for the id. */
    tasks: ScriptArgument;
  }
> = {
  name: "queue/enqueue",
  sha1: "e040e80c83f0f937a758d9b98d46aceffc90b1f1",
  keys: ["meta","waiting","delayed","known","forget","bell"],
  args: ["maxBytes","tasks"],
  allowOom: false,
  source: `#!lua
-- Adds tasks. Of each group all that are new, or none when they do not fit. Rings when one waits in an empty shard, or is
-- due before all others.
-- @key meta of the shard
-- @key waiting of the shard
-- @key delayed of the shard
-- @key known of the shard
-- @key forget of the shard
-- @key bell of the shard
-- @arg maxBytes that waiting, delayed and active tasks may hold
-- @arg tasks one after the other: group, bytes of the body (4 bytes each), delay in ms (a double), bytes of the id and of
--   the dedupe field (2 each), all big-endian; then id, dedupe field, body. The field "i" stands for the id.
-- @returns 1 when all are queued, else a list with one entry a task: 1 queued, 0 full, or the first id of its field
local META, WAITING, DELAYED = KEYS[1], KEYS[2], KEYS[3]
local KNOWN, FORGET, BELL = KEYS[4], KEYS[5], KEYS[6]
local maxBytes = tonumber(ARGV[1])
local blob = ARGV[2]

local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local now = math.floor(nowUs / 1000)

-- What came in.
local n, at = 0, 1
local group, delay, id, field, size, rest = {}, {}, {}, {}, {}, {}
local fields = {}
while at <= #blob do
  n = n + 1
  local bodyBytes, idBytes, fieldBytes
  group[n], bodyBytes, delay[n], idBytes, fieldBytes, at = struct.unpack('>I4I4dHH', blob, at)
  size[n] = idBytes + fieldBytes + bodyBytes
  id[n] = string.sub(blob, at, at + idBytes - 1)
  field[n] = false
  if fieldBytes > 0 then
    field[n] = string.sub(blob, at + idBytes, at + idBytes + fieldBytes - 1)
    if field[n] == 'i' then field[n] = 'i' .. id[n] end
    fields[#fields + 1] = field[n]
  end
  rest[n] = '|0|' .. idBytes .. '|' .. fieldBytes .. '|' .. string.sub(blob, at, at + size[n] - 1)
  at = at + size[n]
end

-- Lua's stack takes some 8,000 arguments.
local function inParts(list, most, each)
  for from = 1, #list, most do each(from, math.min(from + most - 1, #list)) end
end

-- Who is known already.
local first = {}
local over = {}
inParts(fields, 1000, function(from, to)
  local ids = redis.call('HMGET', KNOWN, unpack(fields, from, to))
  for i = from, to do
    local hit = ids[i - from + 1]
    if hit then
      local until_ = redis.call('ZSCORE', FORGET, fields[i])
      if until_ and tonumber(until_) <= now then over[fields[i]] = true else first[fields[i]] = hit end
    end
  end
end)

-- Who comes in.
local meta = redis.call('HMGET', META, 'last', 'bytes')
local bytes = tonumber(meta[2] or 0)
local answer, fresh, claims, reclaimed = {}, {}, {}, {}
local allQueued = true
local from = 1
while from <= n do
  local to = from
  while to < n and group[to + 1] == group[from] do to = to + 1 end
  local mine, new, added = {}, {}, 0
  for i = from, to do
    local hit = field[i] and (first[field[i]] or mine[field[i]])
    if hit then
      answer[i] = hit
      allQueued = false
    else
      answer[i] = 1
      new[#new + 1] = i
      added = added + size[i]
      if field[i] then mine[field[i]] = id[i] end
    end
  end
  if added > 0 and bytes + added > maxBytes then
    for i = from, to do answer[i] = 0 end
    allQueued = false
  else
    bytes = bytes + added
    for _, i in ipairs(new) do
      fresh[#fresh + 1] = i
      if field[i] then
        first[field[i]] = id[i]
        claims[#claims + 1] = field[i]
        claims[#claims + 1] = id[i]
        if over[field[i]] then reclaimed[#reclaimed + 1] = field[i] end
      end
    end
  end
  from = to + 1
end
if #fresh == 0 then return answer end

-- They join the line.
local last = math.max(tonumber(meta[1] or 0), nowUs - 1)
local line, later = {}, {}
local soonest = math.huge
for _, i in ipairs(fresh) do
  last = last + 1
  local record = string.format('%.0f', last) .. rest[i]
  if delay[i] > 0 then
    local due = now + delay[i]
    soonest = math.min(soonest, due)
    later[#later + 1] = string.format('%.0f', due)
    later[#later + 1] = record
  else
    line[#line + 1] = record
  end
end
redis.call('HSET', META, 'last', string.format('%.0f', last), 'bytes', string.format('%.0f', bytes))
inParts(claims, 2000, function(a, b) redis.call('HSET', KNOWN, unpack(claims, a, b)) end)
inParts(reclaimed, 1000, function(a, b) redis.call('ZREM', FORGET, unpack(reclaimed, a, b)) end)

local ring = false
inParts(line, 1000, function(a, b)
  local length = redis.call('RPUSH', WAITING, unpack(line, a, b))
  if a == 1 and length == b then ring = true end
end)
if #later > 0 then
  local head = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
  if not head[2] or soonest < tonumber(head[2]) then ring = true end
  inParts(later, 2000, function(a, b) redis.call('ZADD', DELAYED, unpack(later, a, b)) end)
end
if ring then redis.call('SPUBLISH', BELL, '') end
if allQueued then return 1 end
return answer
`,
};
