import type { Migration } from '@redstart/postgres-adapters';
import { sql } from 'kysely';

export const reactionTables: Migration = {
  name: '0001-reactions',
  async up(db) {
    await sql`
      create table delivery (
        order_id uuid primary key,
        id uuid not null,
        status text not null check (status in ('due', 'completed', 'stopped')),
        due_at timestamptz not null
      )`.execute(db);
    await sql`create index delivery_due on delivery (due_at) where status = 'due'`.execute(db);
    await sql`
      create table mail (
        event_id uuid primary key,
        recipient text not null,
        subject text not null,
        text text not null,
        created_at timestamptz not null default now(),
        sent_at timestamptz,
        attempts integer not null default 0,
        next_at timestamptz not null default now()
      )`.execute(db);
    await sql`create index mail_unsent on mail (next_at) where sent_at is null`.execute(db);
    await sql`create index mail_sent on mail (sent_at) where sent_at is not null`.execute(db);
    await sql`
      create table notification (
        event_id uuid primary key,
        user_id uuid not null,
        order_id uuid not null,
        type text not null,
        text text not null,
        created_at timestamptz not null,
        read_at timestamptz
      )`.execute(db);
    await sql`create index notification_of_user on notification (user_id, event_id desc)`.execute(db);
    await sql`create index notification_age on notification (created_at)`.execute(db);
    await sql`create table customer (id uuid primary key, name text not null)`.execute(db);
    await sql`
      create table spend_order (
        order_id uuid primary key,
        user_id uuid not null,
        amount bigint not null,
        counted_at timestamptz not null
      )`.execute(db);
    await sql`
      create table board (
        name text primary key,
        expires_at timestamptz,
        incarnation text
      )`.execute(db);
    await sql`
      create table board_total (
        board text not null references board on delete cascade,
        user_id uuid not null,
        total bigint not null,
        version bigint not null,
        published_version bigint not null default 0,
        primary key (board, user_id)
      )`.execute(db);
    await sql`
      create index board_total_unpublished on board_total (board) where published_version < version`.execute(db);
  },
};
