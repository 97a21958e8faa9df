// Generated from trim.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Drops entries that every registered group has acknowledged; none where there is no group.
 *
 * @returns how many went
 */
export const trimScript: Script<
  {
    /** of the partition */
    log: string;
    /** of the partition */
    meta: string;
    /** of the partition */
    ids: string;
    /** of the partition */
    groups: string;
  },
  {
    /** how many entries stay */
    keep: ScriptArgument;
    /** how many go in this call */
    most: ScriptArgument;
  }
> = {
  name: "stream/trim",
  sha1: "b5c7b1bf9fd443eb6d2f73b3f329d675212cf28c",
  keys: ["log","meta","ids","groups"],
  args: ["keep","most"],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- Drops entries that every registered group has acknowledged; none where there is no group.
-- @key log of the partition
-- @key meta of the partition
-- @key ids of the partition
-- @key groups of the partition
-- @arg keep how many entries stay
-- @arg most how many go in this call
-- @returns how many went
local LOG, META, IDS, GROUPS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local meta = redis.call('HMGET', META, 'first', 'last', 'bytes')
if not meta[1] then return 0 end
local first, last, bytes = tonumber(meta[1]), tonumber(meta[2]), tonumber(meta[3])
local through = nil
for _, committed in ipairs(redis.call('HVALS', GROUPS)) do
  through = math.min(through or last, tonumber(committed))
end
if not through then return 0 end
through = math.min(through, last - ARGV[1], first + ARGV[2] - 1)
if through < first then return 0 end
local gone = {}
local through_ = string.format('%.0f', through)
for i, entry in ipairs(redis.call('XRANGE', LOG, '-', through_)) do
  local fields = entry[2]
  bytes = bytes - #fields[8] - #fields[2] - #fields[4] - 64
  gone[i] = fields[4]
end
if #gone > 0 then redis.call('SREM', IDS, unpack(gone)) end
redis.call('XTRIM', LOG, 'MINID', string.format('%.0f', through + 1))
redis.call('HSET', META, 'first', string.format('%.0f', through + 1), 'bytes', string.format('%.0f', bytes))
return through - first + 1
`,
};
