import { describe, expect, it } from '@jest/globals';
import { assertOneSlot } from './one-slot.js';

describe('assertOneSlot', () => {
  it('is content with keys of one tag, of whatever port', () => {
    expect(() => assertOneSlot('x', ['rs:queue:{a}:wait', 'rs:stream:{a}:bell', 'rs:queue:{a}:dead'])).not.toThrow();
    expect(() => assertOneSlot('x', [])).not.toThrow();
  });

  it.each([
    ['rs:queue:{a}:wait', 'rs:queue:{b}:wait'],
    ['rs:queue:{}:wait', 'rs:queue:{}:dead'],
    ['plain', 'other'],
  ])('names two keys of different slots: %s, %s', (first, second) => {
    expect(() => assertOneSlot('queue/take', [first, second])).toThrow(
      `script queue/take: the keys ${first} and ${second} are in different slots`,
    );
  });
});
