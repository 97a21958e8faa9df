// Generated from set.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Sets members' scores where the version is higher than the one known.
 *
 * @returns how many entries changed something
 */
export const setScript: Script<
  {
    /** the board's ranking */
    ranking: string;
    /** the board's members */
    members: string;
  },
  {
    /** the name of the board, should this be its first write */
    incarnation: ScriptArgument;
    /** how long the board lives from now; 0: until it is set otherwise */
    ttlMs: ScriptArgument;
    /** for each: member, score, version */
    entries: readonly ScriptArgument[];
  }
> = {
  name: "leaderboard/set",
  sha1: "1b8a53d745a0b772cdee149dc4070ad3e20f37fd",
  keys: ["ranking","members"],
  args: ["incarnation","ttlMs","entries"],
  allowOom: false,
  source: `#!lua
-- Sets members' scores where the version is higher than the one known.
-- @key ranking the board's ranking
-- @key members the board's members
-- @arg incarnation the name of the board, should this be its first write
-- @arg ttlMs how long the board lives from now; 0: until it is set otherwise
-- @arg entries... for each: member, score, version
-- @returns how many entries changed something
local changed = 0
redis.call('HSETNX', KEYS[2], 'incarnation', ARGV[1])

for i = 3, #ARGV, 3 do
  local member, score, version = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local field = 'm:' .. member
  local known = redis.call('HGET', KEYS[2], field)
  local knownVersion, knownScore, place = '-1', '', ''
  if known then
    knownVersion, knownScore, place = string.match(known, '^(%d+):(%d+):(%d*)$')
  end
  if tonumber(version) > tonumber(knownVersion) then
    if score ~= knownScore then
      if place ~= '' then redis.call('ZREM', KEYS[1], place .. ':' .. member) end
      place = ''
      if score ~= '0' then
        local change = redis.call('HINCRBY', KEYS[2], 'changes', 1)
        place = string.format('%016.0f', 9007199254740991 - change)
        redis.call('ZADD', KEYS[1], score, place .. ':' .. member)
      end
    end
    redis.call('HSET', KEYS[2], field, version .. ':' .. score .. ':' .. place)
    changed = changed + 1
  end
end

if ARGV[2] == '0' then
  redis.call('PERSIST', KEYS[1])
  redis.call('PERSIST', KEYS[2])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end

return changed
`,
};
