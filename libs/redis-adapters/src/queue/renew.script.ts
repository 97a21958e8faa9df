// Generated from renew.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Begins leases anew, those that have not been taken back.
 *
 * @returns the tokens that are lost
 */
export const renewScript: Script<
  {
    /** of the shard */
    leases: string;
  },
  {
    /** from now */
    leaseMs: ScriptArgument;
    /** at most 1,000 */
    tokens: readonly ScriptArgument[];
  }
> = {
  name: "queue/renew",
  sha1: "62147f8228cfeeaabf00f44a6de5d84c859b96fd",
  keys: ["leases"],
  args: ["leaseMs","tokens"],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- Begins leases anew, those that have not been taken back.
-- @key leases of the shard
-- @arg leaseMs from now
-- @arg tokens... at most 1,000
-- @returns the tokens that are lost
local time = redis.call('TIME')
local ends = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
local scores = redis.call('ZMSCORE', KEYS[1], unpack(ARGV, 2))
local lost, kept = {}, {}
for i, score in ipairs(scores) do
  if score then
    kept[#kept + 1] = ends
    kept[#kept + 1] = ARGV[i + 1]
  else
    lost[#lost + 1] = ARGV[i + 1]
  end
end
if #kept > 0 then redis.call('ZADD', KEYS[1], unpack(kept)) end
return lost
`,
};
