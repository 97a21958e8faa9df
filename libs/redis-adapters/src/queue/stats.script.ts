// Generated from stats.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Counts a shard.
 *
 * @returns waiting, delayed, active, dead, bytes, ms since the first in line began to wait
 */
export const statsScript: Script<
  {
    /** of the shard */
    meta: string;
    /** of the shard */
    waiting: string;
    /** of the shard */
    delayed: string;
    /** of the shard */
    active: string;
    /** of the shard */
    dead: string;
  },
  {
    /** older letters do not count */
    deadAgeMs: ScriptArgument;
  }
> = {
  name: "queue/stats",
  sha1: "3e993b3c081d1697c0d47d34d0c5e19bc71c1ede",
  keys: ["meta","waiting","delayed","active","dead"],
  args: ["deadAgeMs"],
  allowOom: false,
  source: `#!lua flags=no-writes
-- Counts a shard.
-- @key meta of the shard
-- @key waiting of the shard
-- @key delayed of the shard
-- @key active of the shard
-- @key dead of the shard
-- @arg deadAgeMs older letters do not count
-- @returns waiting, delayed, active, dead, bytes, ms since the first in line began to wait
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local since = string.format('%.0f', math.floor(nowUs / 1000) - ARGV[1])
local first = redis.call('LINDEX', KEYS[2], 0)
local waited = 0
if first then waited = math.max(0, math.floor((nowUs - tonumber((string.match(first, '^%d+')))) / 1000)) end
return {
  redis.call('LLEN', KEYS[2]),
  redis.call('ZCARD', KEYS[3]),
  redis.call('HLEN', KEYS[4]),
  redis.call('ZCOUNT', KEYS[5], '(' .. since, '+inf'),
  tonumber(redis.call('HGET', KEYS[1], 'bytes') or 0),
  waited,
}
`,
};
