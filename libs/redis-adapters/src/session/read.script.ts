// Generated from read.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script } from '../script/script.js';

/**
 * Reads a session, and moves its idle limit when that is due. Only an active one is ever extended.
 *
 * @returns a list: the status (missing, ended, idle, active), the server's time in ms; of an active one also its body, the ms left of its idle limit, and when it was verified, 0 when its generation is not the user's
 */
export const readScript: Script<
  {
    /** the session */
    entry: string;
    /** the user's */
    generation: string;
  },
  Record<never, never>
> = {
  name: "session/read",
  sha1: "b3d165dd0c09f608815a1ad496d6a9c1475ddcd8",
  keys: ["entry","generation"],
  args: [],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- Reads a session, and moves its idle limit when that is due. Only an active one is ever extended.
-- @key entry the session
-- @key generation the user's
-- @returns a list: the status (missing, ended, idle, active), the server's time in ms; of an active one also its body,
-- the ms left of its idle limit, and when it was verified, 0 when its generation is not the user's

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entry = redis.call('HMGET', KEYS[1], 'state', 'body', 'idleMs', 'throttleMs', 'idleUntil', 'extendedAt',
  'generation', 'verifiedAt')

if not entry[1] then return { 'missing', now } end
if entry[1] ~= 'active' then return { 'ended', now } end
local idleMs, throttleMs, idleUntil, extendedAt = tonumber(entry[3]), tonumber(entry[4]), tonumber(entry[5]),
  tonumber(entry[6])
if idleUntil <= now then return { 'idle', now } end

if now - extendedAt >= throttleMs then
  idleUntil = now + idleMs
  redis.call('HSET', KEYS[1], 'idleUntil', string.format('%.0f', idleUntil), 'extendedAt', string.format('%.0f', now))
end
local verifiedAt = 0
if redis.call('GET', KEYS[2]) == entry[7] then verifiedAt = tonumber(entry[8]) end
return { 'active', now, entry[2], idleUntil - now, verifiedAt }
`,
};
