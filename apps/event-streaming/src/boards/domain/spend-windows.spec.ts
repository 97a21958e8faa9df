import { describe, expect, it } from '@jest/globals';
import { spendWindows } from './spend-windows.js';

const boards = (time: string) => Object.values(spendWindows(new Date(time))).map(({ board }) => board);

describe('the windows of the spend board', () => {
  it('are all time, the UTC day, and the week from Monday', () => {
    expect(boards('2026-11-24T23:59:59.999Z')).toEqual(['spend', 'spend.day.2026-11-24', 'spend.week.2026-11-23']);
  });

  it('count a Sunday to the week that began six days before', () => {
    expect(boards('2026-11-29T12:00:00Z')[2]).toBe('spend.week.2026-11-23');
    expect(boards('2026-11-30T00:00:00Z')[2]).toBe('spend.week.2026-11-30');
  });

  it('go some days after they have closed, but all time stays', () => {
    const { all, day } = spendWindows(new Date('2026-11-24T10:00:00Z'));
    expect(all.expiresAt).toBeUndefined();
    expect(day.expiresAt?.toISOString()).toBe('2026-12-02T00:00:00.000Z');
  });
});
