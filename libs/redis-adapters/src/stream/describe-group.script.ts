// Generated from describe-group.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * How far a group has come in the partition.
 *
 * @returns lag, age of the oldest unacknowledged (ms), pending, parked, lost to trim, owner or ""; nothing: no such group
 */
export const describeGroupScript: Script<
  {
    /** of the partition */
    log: string;
    /** of the partition */
    meta: string;
    /** of the partition */
    groups: string;
    /** of the group */
    state: string;
    /** of the group */
    open: string;
  },
  {
    /** its name */
    group: ScriptArgument;
  }
> = {
  name: "stream/describe-group",
  sha1: "10f3a2f8cac71e907ec2f20275ad57a3d7ed74af",
  keys: ["log","meta","groups","state","open"],
  args: ["group"],
  allowOom: false,
  source: `#!lua flags=no-writes
-- How far a group has come in the partition.
-- @key log of the partition
-- @key meta of the partition
-- @key groups of the partition
-- @key state of the group
-- @key open of the group
-- @arg group its name
-- @returns lag, age of the oldest unacknowledged (ms), pending, parked, lost to trim, owner or ""; nothing: no such group
local LOG, META, GROUPS, STATE, OPEN = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local meta = redis.call('HMGET', META, 'first', 'last')
local committed = tonumber(redis.call('HGET', GROUPS, ARGV[1]) or -1)
if not meta[1] or committed < 0 then return {} end
local first, last = tonumber(meta[1]), tonumber(meta[2])
local state = redis.call('HMGET', STATE, 'owner', 'until', 'parked', 'lost')

local floor = math.max(committed, first - 1)
local pending, acknowledged, acknowledgedLost = 0, 0, 0
local open = redis.call('HGETALL', OPEN)
for i = 1, #open, 2 do
  if tonumber(open[i]) <= floor then
    if open[i + 1] == '0' then acknowledgedLost = acknowledgedLost + 1 end
  elseif open[i + 1] == '0' then
    acknowledged = acknowledged + 1
  else
    pending = pending + 1
  end
end
local lost = tonumber(state[4] or 0) + floor - committed - acknowledgedLost

-- After trimming, what follows may be acknowledged already.
local oldest = floor + 1
while acknowledged > 0 and redis.call('HGET', OPEN, string.format('%.0f', oldest)) == '0' do oldest = oldest + 1 end
local entry = redis.call('XRANGE', LOG, string.format('%.0f', oldest), '+', 'COUNT', 1)[1]
local age = entry and now - string.match(entry[1], '-(%d+)$') or 0

local owner = state[1] and tonumber(state[2] or 0) > now and state[1] or ''
return { last - floor - pending - acknowledged, age, pending, tonumber(state[3] or 0), lost, owner }
`,
};
