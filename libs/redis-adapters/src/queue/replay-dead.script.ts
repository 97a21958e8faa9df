// Generated from replay-dead.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Puts dead letters back into the line, at its tail, with all their attempts.
 *
 * @returns how many were found
 */
export const replayDeadScript: Script<
  {
    /** of the shard */
    meta: string;
    /** of the shard */
    waiting: string;
    /** of the shard */
    dead: string;
    /** of the shard */
    letters: string;
    /** of the shard */
    known: string;
    /** of the shard */
    forget: string;
    /** of the shard */
    bell: string;
  },
  {
    /** at most 1,000 */
    ids: readonly ScriptArgument[];
  }
> = {
  name: "queue/replay-dead",
  sha1: "e83921d1744b3a2af3dacf923e65fa499b879fe9",
  keys: ["meta","waiting","dead","letters","known","forget","bell"],
  args: ["ids"],
  allowOom: false,
  source: `#!lua
-- Puts dead letters back into the line, at its tail, with all their attempts.
-- @key meta of the shard
-- @key waiting of the shard
-- @key dead of the shard
-- @key letters of the shard
-- @key known of the shard
-- @key forget of the shard
-- @key bell of the shard
-- @arg ids... at most 1,000
-- @returns how many were found
local META, WAITING, DEAD, LETTERS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local KNOWN, FORGET, BELL = KEYS[5], KEYS[6], KEYS[7]
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local now = math.floor(nowUs / 1000)
local letters = redis.call('HMGET', LETTERS, unpack(ARGV))
local last = math.max(tonumber(redis.call('HGET', META, 'last') or 0), nowUs - 1)
local line, seen, bytes = {}, {}, 0
for i, letter in ipairs(letters) do
  local id = ARGV[i]
  if letter and not seen[id] then
    seen[id] = true
    local reasonBytes, at = string.match(letter, '^%d+|%d+|(%d+)|()')
    local record = string.sub(letter, at + reasonBytes)
    local idBytes, fieldBytes, body = string.match(record, '^%d+|%d+|(%d+)|(%d+)|()')
    last = last + 1
    line[#line + 1] = string.format('%.0f', last) .. '|0|' .. idBytes .. '|' .. fieldBytes .. '|' .. string.sub(record, body)
    bytes = bytes + #record - body + 1
    if fieldBytes ~= '0' then
      local field = string.sub(record, body + idBytes, body + idBytes + fieldBytes - 1)
      if field == 'i' then field = 'i' .. id end
      -- Known again, unless another task has its field by now.
      local owner = redis.call('HGET', KNOWN, field)
      local until_ = redis.call('ZSCORE', FORGET, field)
      if not owner or owner == id or (until_ and tonumber(until_) <= now) then
        redis.call('HSET', KNOWN, field, id)
        redis.call('ZREM', FORGET, field)
      end
    end
    redis.call('ZREM', DEAD, id)
    redis.call('HDEL', LETTERS, id)
  end
end
if #line == 0 then return 0 end
redis.call('HSET', META, 'last', string.format('%.0f', last))
redis.call('HINCRBY', META, 'bytes', bytes)
if redis.call('RPUSH', WAITING, unpack(line)) == #line then redis.call('SPUBLISH', BELL, '') end
return #line
`,
};
