// Generated from seed.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Stores what the record said of a session. An active entry keeps its idle limit; an idle or ended one stays so.
 *
 * @returns a list: seeded and the ms left of its idle limit; or ended; or superseded
 */
export const seedScript: Script<
  {
    /** the session */
    entry: string;
    /** the user's */
    generation: string;
  },
  {
    /** the record */
    body: ScriptArgument;
    /** its idle limit */
    idleMs: ScriptArgument;
    /** how often that moves at most */
    throttleMs: ScriptArgument;
    /** until the absolute limit */
    remainingMs: ScriptArgument;
    /** what it was before the record was asked */
    generation: ScriptArgument;
    /** when that was, the server's ms */
    verifiedAt: ScriptArgument;
  }
> = {
  name: "session/seed",
  sha1: "c191b758ca5abbe6f939349784c539eb07963bf6",
  keys: ["entry","generation"],
  args: ["body","idleMs","throttleMs","remainingMs","generation","verifiedAt"],
  allowOom: false,
  source: `#!lua
-- Stores what the record said of a session. An active entry keeps its idle limit; an idle or ended one stays so.
-- @key entry the session
-- @key generation the user's
-- @arg body the record
-- @arg idleMs its idle limit
-- @arg throttleMs how often that moves at most
-- @arg remainingMs until the absolute limit
-- @arg generation what it was before the record was asked
-- @arg verifiedAt when that was, the server's ms
-- @returns a list: seeded and the ms left of its idle limit; or ended; or superseded

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entry = redis.call('HMGET', KEYS[1], 'state', 'idleUntil', 'extendedAt')
local idleUntil, extendedAt = tonumber(entry[2] or now + ARGV[2]), tonumber(entry[3] or now)

if entry[1] and (entry[1] ~= 'active' or idleUntil <= now) then return { 'ended' } end
if redis.call('GET', KEYS[2]) ~= ARGV[5] then return { 'superseded' } end

redis.call('HSET', KEYS[1], 'state', 'active', 'body', ARGV[1], 'idleMs', ARGV[2], 'throttleMs', ARGV[3],
  'idleUntil', string.format('%.0f', idleUntil), 'extendedAt', string.format('%.0f', extendedAt),
  'generation', ARGV[5], 'verifiedAt', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4], 'GT')
return { 'seeded', idleUntil - now }
`,
};
