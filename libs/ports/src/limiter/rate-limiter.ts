import type { Call } from '../call/call.js';

export interface Rule {
  /** As in the `RateLimit-Policy` header: `minute`. */
  name: string;
  /** Cost allowed in a window. An integer from 1. */
  limit: number;
  /** An integer from 1. */
  windowMs: number;
  /** `fixed`: windows aligned to the epoch; at most 2 × `limit` in any sliding window. */
  algorithm: 'fixed';
}

export interface Limit {
  status: 'allowed' | 'limited';
  /** `shared`: counted in the backend; `local`: by this process's insurance; `policy`: backend away, decided by policy. */
  source: 'shared' | 'local' | 'policy';
  /** 0 when allowed; else when the same take can succeed at the earliest. */
  retryAfterMs: number;
  /** In the order of the rules, as they stand after this take. `resetMs`: until the window ends. */
  windows: readonly { rule: string; remaining: number; resetMs: number }[];
}

export interface Take extends Call {
  /** How much to take. Default 1; an integer from 1 to the smallest limit. */
  cost?: number;
  /** `peek`: charge nothing, allow or refuse as `enforce` would. Default `enforce`. */
  mode?: 'enforce' | 'peek';
}

/**
 * Limits by subject. All rules of one take are one atomic step: allowed by all and charged to all, or charged to none
 * and nothing written. Windows are those of the backend's clock.
 */
export abstract class RateLimiter {
  /**
   * `subject` and the rules' names and windows make the counter: another rule set under the same subject counts apart.
   * A take whose reply was lost (effect `unknown`) may have been charged; it is not repeated.
   * @throws RangeError for an empty subject, no rules, two of one name, or numbers outside their ranges
   */
  abstract take(subject: string, rules: readonly Rule[], options?: Take): Promise<Limit>;
}
