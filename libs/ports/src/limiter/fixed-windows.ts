import type { Limit, Rule, Take } from './rate-limiter.js';

/** What a take asks for, checked. */
export interface Asked {
  cost: number;
  /** Charge nothing. */
  peek: boolean;
  /** Names the counter within its subject: the rules' names and windows, not their limits. */
  counter: string;
}

/** Number of the window since the epoch, and what was taken in it. */
export interface Counted {
  index: number;
  count: number;
}

/** @throws RangeError for what `RateLimiter.take` refuses */
export function checkTake(subject: string, rules: readonly Rule[], options: Take = {}): Asked {
  const { cost = 1, mode = 'enforce' } = options;
  if (subject === '') throw new RangeError('the subject of a limit is empty');
  if (rules.length === 0) throw new RangeError('a limit needs a rule');
  if (new Set(rules.map(({ name }) => name)).size < rules.length) throw new RangeError('two rules have one name');
  if (!isCount(cost)) throw new RangeError(`cost is ${cost}; it must be an integer from 1`);
  for (const { name, limit, windowMs } of rules) {
    if (name === '') throw new RangeError('a rule has no name');
    if (!isCount(limit)) throw new RangeError(`the limit of rule "${name}" is ${limit}; it must be an integer from 1`);
    if (!isCount(windowMs)) throw new RangeError(`the window of rule "${name}" is ${windowMs} ms`);
    if (cost > limit) throw new RangeError(`a cost of ${cost} never fits into the limit ${limit} of rule "${name}"`);
  }
  const counter = rules.map(({ name, windowMs }) => `${encodeURIComponent(name)}/${windowMs}`).join(',');
  return { cost, peek: mode === 'peek', counter };
}

/** What was taken in each rule's present window. */
export function presentCounts(
  rules: readonly Rule[],
  counted: readonly Counted[] | undefined,
  nowMs: number,
): number[] {
  return rules.map(({ windowMs }, i) => {
    const window = counted?.[i];
    return window?.index === Math.floor(nowMs / windowMs) ? window.count : 0;
  });
}

/** The windows as they are after a take of `cost`. */
export function charged(rules: readonly Rule[], counts: readonly number[], cost: number, nowMs: number): Counted[] {
  return rules.map(({ windowMs }, i) => ({ index: Math.floor(nowMs / windowMs), count: (counts[i] ?? 0) + cost }));
}

/** When the last of the rules' present windows ends. */
export function lastEndMs(rules: readonly Rule[], nowMs: number): number {
  return Math.max(...rules.map((rule) => nowMs + resetMs(rule, nowMs)));
}

/** Whether `cost` more fits into every rule. */
export function fits(rules: readonly Rule[], counts: readonly number[], cost: number): boolean {
  return rules.every(({ limit }, i) => (counts[i] ?? 0) + cost <= limit);
}

/** The answer to a take. `counts`: as they stand after it. */
export function limitOf(
  rules: readonly Rule[],
  taken: { allowed: boolean; counts: readonly number[]; cost: number; nowMs: number; source: Limit['source'] },
): Limit {
  const { allowed, counts, cost, nowMs, source } = taken;
  const windows = rules.map((rule, i) => ({
    rule: rule.name,
    remaining: Math.max(0, rule.limit - (counts[i] ?? 0)),
    resetMs: resetMs(rule, nowMs),
  }));
  const refusing = windows.filter(({ remaining }) => remaining < cost);
  const retryAfterMs = allowed ? 0 : Math.max(1, ...refusing.map((window) => window.resetMs));
  return { status: allowed ? 'allowed' : 'limited', source, retryAfterMs, windows };
}

function resetMs({ windowMs }: Rule, nowMs: number): number {
  return windowMs - (nowMs % windowMs);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}
