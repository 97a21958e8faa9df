import type { SqlTransaction } from '@redstart/postgres-adapters';
import { sql } from 'kysely';
import { quantities, type OrderLine } from '../domain/order.js';

/** Takes the lines out of the stock, all of them or none. */
export async function takeStock(tx: SqlTransaction, lines: readonly OrderLine[]): Promise<'taken' | 'out-of-stock'> {
  const wanted = quantities(lines);
  const stock = await lockProducts(tx, wanted);
  if (wanted.some(([sku, quantity]) => (stock.get(sku) ?? 0) < quantity)) return 'out-of-stock';
  const { numAffectedRows } = await sql`
    update product set stock = stock - wanted.quantity
    from unnest(${wanted.map(([sku]) => sku)}::text[], ${wanted.map(([, n]) => n)}::bigint[]) as wanted (sku, quantity)
    where product.sku = wanted.sku and product.stock >= wanted.quantity`.execute(tx);
  if (numAffectedRows !== BigInt(wanted.length)) throw new Error('stock changed under its row locks');
  return 'taken';
}

export async function putStockBack(tx: SqlTransaction, lines: readonly OrderLine[]): Promise<void> {
  const back = quantities(lines);
  await lockProducts(tx, back);
  await sql`
    update product set stock = stock + back.quantity
    from unnest(${back.map(([sku]) => sku)}::text[], ${back.map(([, n]) => n)}::bigint[]) as back (sku, quantity)
    where product.sku = back.sku`.execute(tx);
}

/** Locks row by row in order of sku, so that two orders over the same goods wait for each other and never deadlock. */
async function lockProducts(tx: SqlTransaction, wanted: readonly [string, number][]): Promise<Map<string, number>> {
  const { rows } = await sql<{ sku: string; stock: number }>`
    select sku, stock from product where sku = any(${wanted.map(([sku]) => sku)}::text[]) order by sku for update`.execute(
    tx,
  );
  return new Map(rows.map(({ sku, stock }) => [sku, stock]));
}
