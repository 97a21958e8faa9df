import type { Migration } from '@redstart/postgres-adapters';
import { sql } from 'kysely';

export const userTables: Migration = {
  name: '0002-users',
  async up(db) {
    await sql`
      create table app_user (
        id uuid primary key,
        email text not null constraint app_user_email_unique unique,
        name text not null,
        role text not null check (role in ('customer', 'admin')),
        password_hash text not null,
        created_at timestamptz not null default now()
      )`.execute(db);
    await sql`
      create table session (
        id uuid not null,
        user_id uuid not null references app_user on delete cascade,
        token_hash text not null,
        data jsonb not null,
        device text not null,
        created_at timestamptz not null,
        idle_ms bigint not null,
        expires_at timestamptz not null,
        primary key (user_id, token_hash)
      )`.execute(db);
    await sql`create index session_expiry on session (expires_at)`.execute(db);
  },
};
