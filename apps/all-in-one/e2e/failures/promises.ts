import { expect } from '@jest/globals';
import { eventually } from '../platform/eventually.js';
import type { Platform } from '../platform/platform.js';
import type { Records } from '../platform/records.js';
import type { Accepted } from '../platform/traffic.js';

const SETTLED_WITHIN_MS = 90_000;

/** What holds after every failure, once all is back: nothing lost, nothing twice, nothing out of order. */
export async function expectPromisesKept(
  { shop }: Platform,
  records: Records,
  { accepted, sku, stock }: { accepted: readonly Accepted[]; sku: string; stock: number },
): Promise<void> {
  expect(new Set(accepted.map(({ id }) => id)).size).toBe(accepted.length);
  await eventually(
    async () => expect(await records.orders()).toEqual({ delivered: accepted.length }),
    SETTLED_WITHIN_MS,
  );
  const bought = accepted.reduce((sum, { quantity }) => sum + quantity, 0);
  await eventually(async () => expect(await shop.stock(sku)).toBe(stock - bought));
  const ledger = await records.ledger();
  expect({ charges: ledger.charges, refunds: ledger.refunds }).toEqual({ charges: accepted.length, refunds: 0 });
  expect(await records.deliveries()).toEqual({ completed: accepted.length, due: 0, stopped: 0 });
  await eventually(async () => {
    const effects = await records.effects();
    expect(effects.size).toBe(accepted.length);
    for (const types of effects.values()) expect(types).toEqual(['order.confirmed.v1', 'order.delivered.v1']);
  }, SETTLED_WITHIN_MS);
  const spend = await records.spend();
  await eventually(async () => {
    const board = await shop.request<{ items: { userId: string; score: number }[] }>(
      'GET',
      '/v1/leaderboards/spend?limit=100',
      { token: accepted[0]!.token },
    );
    const scores = (items: { userId: string; score: number }[]) =>
      Object.fromEntries(items.map(({ userId, score }) => [userId, score]));
    expect(scores(board.body.items)).toEqual(scores(spend));
  }, SETTLED_WITHIN_MS);
}
