import type { Share } from '@redstart/postgres-adapters';
import { sql } from 'kysely';
import { ProductStore } from '../application/product-store.js';
import type { Product } from '../domain/product.js';

const columns = sql`sku, name, price, currency, stock`;

export class PostgresProductStore extends ProductStore {
  constructor(private readonly share: Share<unknown>) {
    super();
  }

  async find(sku: string): Promise<Product | undefined> {
    return (await this.findMany([sku]))[0];
  }

  async findMany(skus: readonly string[]): Promise<Product[]> {
    const { rows } = await sql<Product>`select ${columns} from product where sku = any(${skus})`.execute(this.share.db);
    return rows;
  }

  async list({ after, limit }: { after?: string; limit: number }): Promise<Product[]> {
    // Every sku sorts after the empty text.
    const { rows } = await sql<Product>`
      select ${columns} from product where sku > ${after ?? ''} order by sku limit ${limit}`.execute(this.share.db);
    return rows;
  }

  async put({ sku, name, price, currency, stock }: Product): Promise<'created' | 'changed'> {
    // xmax is 0 in a row version that an insert made.
    const { rows } = await sql<{ created: boolean }>`
      insert into product (${columns}) values (${sku}, ${name}, ${price}, ${currency}, ${stock})
      on conflict (sku) do update set name = excluded.name, price = excluded.price, currency = excluded.currency,
        stock = excluded.stock
      returning xmax = 0 as created`.execute(this.share.db);
    return rows[0]?.created ? 'created' : 'changed';
  }

  async addMissing(products: readonly Product[]): Promise<number> {
    const { numAffectedRows } = await sql`
      insert into product (${columns})
      select ${columns} from jsonb_to_recordset(${JSON.stringify(products)}::jsonb)
        as given (sku text, name text, price bigint, currency text, stock bigint)
      on conflict (sku) do nothing`.execute(this.share.db);
    return Number(numAffectedRows ?? 0n);
  }
}
