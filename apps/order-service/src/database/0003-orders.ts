import type { Migration } from '@redstart/postgres-adapters';
import { sql } from 'kysely';

export const orderTables: Migration = {
  name: '0003-orders',
  async up(db) {
    // Payment and reservation are columns of the order, so that its row lock covers all that a move decides by.
    await sql`
      create table purchase_order (
        id uuid primary key,
        user_id uuid not null references app_user,
        customer_name text not null,
        customer_email text not null,
        placed_by uuid,
        status text not null check (status in ('placed', 'confirmed', 'delivered', 'rejected', 'cancelled')),
        lines jsonb not null,
        total bigint not null,
        currency text not null,
        placed_at timestamptz not null,
        reason text,
        sequence integer not null,
        fence bigint not null default 0,
        reserved boolean not null default false,
        payment_number integer,
        payment_state text
          check (payment_state in ('asked', 'charged', 'refused', 'reversal-due', 'refunded', 'voided')),
        payment_nudged_at timestamptz,
        nudged_at timestamptz not null,
        placed_healthy_ms bigint not null
      )`.execute(db);
    await sql`create index purchase_order_of_user on purchase_order (user_id, id desc)`.execute(db);
    await sql`create index purchase_order_of_status on purchase_order (status, id desc)`.execute(db);
    await sql`
      create index purchase_order_still on purchase_order (nudged_at) where status = 'placed'`.execute(db);
    await sql`
      create index purchase_order_overdue on purchase_order (placed_healthy_ms) where status = 'placed'`.execute(db);
    await sql`
      create index purchase_order_reversal on purchase_order (payment_nudged_at)
      where payment_state = 'reversal-due'`.execute(db);
    await sql`
      create table order_event (
        order_id uuid not null references purchase_order,
        sequence integer not null,
        event json not null,
        primary key (order_id, sequence)
      )`.execute(db);
    await sql`
      create table healthy_time (
        one boolean primary key default true check (one),
        healthy_ms bigint not null default 0,
        seen_at timestamptz
      )`.execute(db);
    await sql`insert into healthy_time default values`.execute(db);
  },
};
