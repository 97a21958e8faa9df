import type { Migration } from '@redstart/postgres-adapters';
import { sql } from 'kysely';

export const catalogueTables: Migration = {
  name: '0001-catalogue',
  async up(db) {
    // "C": by bytes, the same on every machine; pages go by it and stock is locked in its order.
    await sql`
      create table product (
        sku text collate "C" primary key,
        name text not null,
        price bigint not null constraint product_price_not_negative check (price >= 0),
        currency text not null,
        stock bigint not null constraint product_stock_not_negative check (stock >= 0)
      )`.execute(db);
  },
};
