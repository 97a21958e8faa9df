// Generated from renew.lua by `nx run lua-codegen:generate`. Do not edit.
import { type Script, type ScriptArgument } from '../script/script.js';

/**
 * Renews the lease of a load that goes on.
 *
 * @returns 1: renewed, 0: it is another's, or nobody's
 */
export const renewScript: Script<
  {
    /** of the value */
    lease: string;
  },
  {
    /** whose lease it must be */
    token: ScriptArgument;
    /** from now */
    leaseMs: ScriptArgument;
  }
> = {
  name: "cache/renew",
  sha1: "71a0231efc059c7becf8623adcd81f5016b0b894",
  keys: ["lease"],
  args: ["token","leaseMs"],
  allowOom: true,
  source: `#!lua flags=allow-oom
-- Renews the lease of a load that goes on.
-- @key lease of the value
-- @arg token whose lease it must be
-- @arg leaseMs from now
-- @returns 1: renewed, 0: it is another's, or nobody's

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`,
};
