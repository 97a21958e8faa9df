import { sql } from 'kysely';
import type { MigrationSet } from '../migrations/migration.js';

/** The table of `IdempotencyRecords`. */
export const idempotencyTables: MigrationSet = {
  owner: 'idempotency',
  migrations: [
    {
      name: '0001-records',
      async up(db) {
        await sql`
          create table idempotency_record (
            user_id text not null,
            key text not null,
            body_hash text not null,
            status integer,
            body json,
            created_at timestamptz not null default now(),
            primary key (user_id, key)
          )`.execute(db);
        await sql`create index idempotency_record_age on idempotency_record (created_at)`.execute(db);
        // One round trip; the inner block is a savepoint, so a wait given up leaves the caller's transaction usable.
        await sql`
          create function idempotency_begin(_user text, _key text, _hash text, _keep interval, _wait_ms integer)
          returns table (outcome text, stored_status integer, stored_body json) language plpgsql as $$
          declare
            found_record idempotency_record;
            lock_timeout_before text := current_setting('lock_timeout');
          begin
            begin
              perform set_config('lock_timeout', _wait_ms || 'ms', true);
              insert into idempotency_record as r (user_id, key, body_hash) values (_user, _key, _hash)
              on conflict (user_id, key) do update
                set body_hash = excluded.body_hash, status = null, body = null, created_at = now()
                where r.created_at <= now() - _keep;
              if found then
                perform set_config('lock_timeout', lock_timeout_before, true);
                return query select 'new', null::integer, null::json;
                return;
              end if;
              perform set_config('lock_timeout', lock_timeout_before, true);
            exception when lock_not_available then
              return query select 'in-flight', null::integer, null::json;
              return;
            end;
            select * into found_record from idempotency_record where user_id = _user and key = _key;
            if found_record.body_hash is distinct from _hash then
              return query select 'mismatch', null::integer, null::json;
            elsif found_record.status is null then
              return query select 'in-flight', null::integer, null::json;
            else
              return query select 'replay', found_record.status, found_record.body;
            end if;
          end $$`.execute(db);
      },
    },
  ],
};
