import { sql } from 'kysely';
import type { MigrationSet } from '../migrations/migration.js';

/** The table of `Inbox`. */
export const inboxTables: MigrationSet = {
  owner: 'inbox',
  migrations: [
    {
      name: '0001-subjects',
      async up(db) {
        await sql`
          create table inbox_subject (
            group_name text not null,
            source text not null,
            subject text not null,
            sequence bigint not null,
            event_id text not null,
            accepted_at timestamptz not null default now(),
            primary key (group_name, source, subject)
          )`.execute(db);
        await sql`create index inbox_subject_age on inbox_subject (accepted_at)`.execute(db);
      },
    },
  ],
};
