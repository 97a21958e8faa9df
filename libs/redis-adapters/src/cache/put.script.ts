// Generated from put.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Stores an entry and takes the lease away: for a load only while the lease is its own, so that a loader which began before an invalidation leaves nothing behind.
 *
 * @returns 1: stored, 0: superseded
 */
export const putScript: Script<
  {
    /** the value */
    entry: string;
    /** of the value */
    lease: string;
  },
  {
    /** whose lease it must be; empty: whatever is held */
    token: ScriptArgument;
    /** without its first 13 bytes, which are the server's time in ms */
    envelope: ScriptArgument;
    /** how long it is kept in all */
    keepMs: ScriptArgument;
  }
> = {
  name: "cache/put",
  sha1: "dc7e33bd6bcc38725f3ab25bac00b317b1e14f0e",
  keys: ["entry","lease"],
  args: ["token","envelope","keepMs"],
  allowOom: false,
  source: `#!lua
-- Stores an entry and takes the lease away: for a load only while the lease is its own, so that a loader which began
-- before an invalidation leaves nothing behind.
-- @key entry the value
-- @key lease of the value
-- @arg token whose lease it must be; empty: whatever is held
-- @arg envelope without its first 13 bytes, which are the server's time in ms
-- @arg keepMs how long it is kept in all
-- @returns 1: stored, 0: superseded

if ARGV[1] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = string.format('%013.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('SET', KEYS[1], now .. ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
`,
};
