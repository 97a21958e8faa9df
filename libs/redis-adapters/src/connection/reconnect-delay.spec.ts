import { describe, expect, it } from '@jest/globals';
import { reconnectDelayMs } from './reconnect-delay.js';

describe('reconnectDelayMs', () => {
  it('draws from zero up to a bound that doubles to two seconds', () => {
    const bounds = [1, 2, 3, 6, 7, 1000].map((attempt) => reconnectDelayMs(attempt, () => 1) - 1);
    expect(bounds).toEqual([50, 100, 200, 1600, 2000, 2000]);
    expect(reconnectDelayMs(1000, () => 0)).toBe(1);
  });
});
