import { describe, expect, it } from '@jest/globals';
import { batched } from './batched.js';

describe('batched loading', () => {
  it('asks once for all keys of a turn, each once, and again for those of the next', async () => {
    const asked: (readonly string[])[] = [];
    const load = batched(async (keys) => {
      asked.push(keys);
      return new Map(keys.filter((key) => key !== 'none').map((key) => [key, key.toUpperCase()]));
    });
    expect(await Promise.all(['a', 'b', 'a', 'none'].map(load))).toEqual(['A', 'B', 'A', undefined]);
    expect(await load('c')).toBe('C');
    expect(asked).toEqual([['a', 'b', 'none'], ['c']]);
  });

  it('fails each of its callers, and none of the next turn', async () => {
    let fail = true;
    const load = batched(async (keys) => {
      if (fail) throw new Error('away');
      return new Map(keys.map((key) => [key, key]));
    });
    const outcomes = await Promise.allSettled(['a', 'b'].map(load));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fail = false;
    expect(await load('a')).toBe('a');
  });
});
