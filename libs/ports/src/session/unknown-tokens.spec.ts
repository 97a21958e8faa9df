import { describe, expect, it } from '@jest/globals';
import { SystemClock } from '../clock/system-clock.js';
import { UnknownTokens } from './unknown-tokens.js';

class SetClock extends SystemClock {
  elapsedMs = 0;
  override monotonicMs(): number {
    return this.elapsedMs;
  }
}

describe('UnknownTokens', () => {
  it('remembers for a minute', () => {
    const clock = new SetClock();
    const unknown = new UnknownTokens(clock);
    unknown.add('a');
    clock.elapsedMs = 59_999;
    expect([unknown.has('a'), unknown.has('b')]).toEqual([true, false]);
    clock.elapsedMs = 60_000;
    expect(unknown.has('a')).toBe(false);
  });

  it('holds no more than 10,000, and lets the oldest go', () => {
    const unknown = new UnknownTokens(new SetClock());
    for (let index = 0; index < 10_002; index += 1) unknown.add(`token-${index}`);
    const kept = ['token-0', 'token-1', 'token-2', 'token-10001'].map((token) => unknown.has(token));
    expect(kept).toEqual([false, false, true, true]);
  });
});
