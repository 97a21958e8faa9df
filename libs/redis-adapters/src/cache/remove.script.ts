// Generated from remove.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script } from '../script/script.js';

/**
 * Forgets entries and takes their leases away: a batch of independent calls.
 *
 * @returns how many there were
 */
export const removeScript: Script<
  {
    /** for each, its entry and its lease */
    entryAndLease: readonly string[];
  },
  Record<never, never>
> = {
  name: "cache/remove",
  sha1: "6edd158c63152d046c4fb8098c90ccb3cb7e8c8c",
  keys: ["entryAndLease"],
  args: [],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- Forgets entries and takes their leases away: a batch of independent calls.
-- @key entryAndLease... for each, its entry and its lease
-- @returns how many there were

local removed = 0
for i = 1, #KEYS do removed = removed + redis.call('DEL', KEYS[i]) end
return removed
`,
};
