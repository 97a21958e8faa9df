// Generated from append.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Adds the entries that the partition does not know yet: all of them, or none. Drops what is too old first, and makes room at the cap. Rings.
 *
 * @returns 1, written, duplicates; 0: full; -1, the position that is expected: a gap
 */
export const appendScript: Script<
  {
    /** of the partition */
    log: string;
    /** of the partition */
    meta: string;
    /** of the partition */
    ids: string;
    /** of the partition */
    groups: string;
    /** of the partition */
    bell: string;
  },
  {
    /** that the partition may hold */
    maxBytes: ScriptArgument;
    /** from which entries are dropped */
    maxAgeMs: ScriptArgument;
    /** "refuse": only what every group has acknowledged is dropped; "trim": the oldest is */
    whenFull: ScriptArgument;
    /** that numbers its entries, or "": entries are known by their ids */
    producer: ScriptArgument;
    /** of the entries, by the producer's count */
    firstPosition: ScriptArgument;
    /** 1: a producer of whom nothing is there may begin at any position */
    base: ScriptArgument;
    /** one after the other: bytes of event id, subject, schema and payload (4 bytes each, big-endian), then these */
    entries: ScriptArgument;
  }
> = {
  name: "stream/append",
  sha1: "73e6730f753095639a145a427a5cfa3c0ebb15fd",
  keys: ["log","meta","ids","groups","bell"],
  args: ["maxBytes","maxAgeMs","whenFull","producer","firstPosition","base","entries"],
  allowOom: false,
  source: `#!lua
-- Adds the entries that the partition does not know yet: all of them, or none. Drops what is too old first, and makes
-- room at the cap. Rings.
-- @key log of the partition
-- @key meta of the partition
-- @key ids of the partition
-- @key groups of the partition
-- @key bell of the partition
-- @arg maxBytes that the partition may hold
-- @arg maxAgeMs from which entries are dropped
-- @arg whenFull "refuse": only what every group has acknowledged is dropped; "trim": the oldest is
-- @arg producer that numbers its entries, or "": entries are known by their ids
-- @arg firstPosition of the entries, by the producer's count
-- @arg base 1: a producer of whom nothing is there may begin at any position
-- @arg entries one after the other: bytes of event id, subject, schema and payload (4 bytes each, big-endian), then these
-- @returns 1, written, duplicates; 0: full; -1, the position that is expected: a gap
local LOG, META, IDS, GROUPS, BELL = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local maxBytes, maxAgeMs, whenFull = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local producer, firstPosition, base, blob = ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
-- Of one call: how many are dropped for their age, and how many in all.
local MOST_AGED, MOST_DROPPED = 128, 2000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end

-- What came in.
local n, at = 0, 1
local id, subject, schema, payload = {}, {}, {}, {}
while at <= #blob do
  local i, s, c, d
  i, s, c, d, at = struct.unpack('>I4I4I4I4', blob, at)
  n = n + 1
  id[n] = string.sub(blob, at, at + i - 1)
  subject[n] = string.sub(blob, at + i, at + i + s - 1)
  schema[n] = string.sub(blob, at + i + s, at + i + s + c - 1)
  payload[n] = string.sub(blob, at + i + s + c, at + i + s + c + d - 1)
  at = at + i + s + c + d
end

local meta = redis.call('HMGET', META, 'inc', 'first', 'last', 'bytes', 'p:' .. producer)
local inc = meta[1]
local first, last, bytes = tonumber(meta[2] or 1), tonumber(meta[3] or 0), tonumber(meta[4] or 0)

-- What is new of it.
local fresh, added = {}, 0
local function take(i)
  fresh[#fresh + 1] = i
  added = added + #payload[i] + #subject[i] + #id[i] + 64
end
if producer ~= '' then
  local position = tonumber(meta[5] or 0)
  if firstPosition > position + 1 and not (position == 0 and base == '1') then return { -1, position + 1 } end
  for i = math.max(1, position + 2 - firstPosition), n do take(i) end
else
  local seen = {}
  for from = 1, n, 1000 do
    local to = math.min(from + 999, n)
    local known = redis.call('SMISMEMBER', IDS, unpack(id, from, to))
    for i = from, to do
      if known[i - from + 1] == 0 and not seen[id[i]] then
        seen[id[i]] = true
        take(i)
      end
    end
  end
end
if #fresh == 0 then return { 1, 0, n } end
if added > maxBytes then return { 0 } end

-- What may go, and must.
local mayDrop = whenFull == 'trim' and last or nil
if not mayDrop then
  for _, committed in ipairs(redis.call('HVALS', GROUPS)) do
    mayDrop = math.min(mayDrop or last, tonumber(committed))
  end
end
local dropped = 0
local going = inc and mayDrop and mayDrop >= first
while going do
  local gone = {}
  local oldest = redis.call('XRANGE', LOG, '-', '+', 'COUNT', bytes + added > maxBytes and 100 or 8)
  going = #oldest > 0
  for _, entry in ipairs(oldest) do
    local sequence, ms = string.match(entry[1], '^(%d+)-(%d+)$')
    local aged = tonumber(ms) < now - maxAgeMs and dropped < MOST_AGED
    local over = bytes + added > maxBytes and dropped < MOST_DROPPED
    if tonumber(sequence) > mayDrop or not (aged or over) then
      going = false
      break
    end
    local fields = entry[2]
    bytes = bytes - #fields[8] - #fields[2] - #fields[4] - 64
    gone[#gone + 1] = fields[4]
    first = first + 1
    dropped = dropped + 1
  end
  if #gone > 0 then
    redis.call('SREM', IDS, unpack(gone))
    redis.call('XTRIM', LOG, 'MINID', whole(first))
  end
end
if bytes + added > maxBytes then
  if dropped > 0 then redis.call('HSET', META, 'first', whole(first), 'bytes', whole(bytes)) end
  return { 0 }
end

if not inc then
  -- New, or lost: nothing of before may be taken for a part of it.
  redis.call('DEL', LOG, IDS)
  inc = whole(time[1] * 1000000 + time[2])
end
local written = {}
for k, i in ipairs(fresh) do
  last = last + 1
  redis.call('XADD', LOG, whole(last) .. '-' .. whole(now), 's', subject[i], 'i', id[i], 'c', schema[i], 'd', payload[i])
  written[k] = id[i]
end
redis.call('HSET', META, 'inc', inc, 'first', whole(first), 'last', whole(last), 'bytes', whole(bytes + added))
if producer ~= '' then
  redis.call('HSET', META, 'p:' .. producer, whole(firstPosition + n - 1))
else
  for from = 1, #written, 1000 do
    redis.call('SADD', IDS, unpack(written, from, math.min(from + 999, #written)))
  end
end
redis.call('SPUBLISH', BELL, '')
return { 1, #fresh, n - #fresh }
`,
};
