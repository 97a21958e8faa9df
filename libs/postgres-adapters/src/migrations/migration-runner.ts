import { sql, type Kysely } from 'kysely';
import { BackendFault } from '@redstart/ports';
import type { MigrationSet } from './migration.js';
import { MigrationFailedError, MigrationOrderError } from './migration-errors.js';

/**
 * Applies what is missing, set by set, in order of name, each step with its record in one transaction. Answers what was
 * applied, as `owner/name`. The caller holds the migration lock and has the schema on its search path.
 *
 * Not kysely's Migrator: that refuses to start when the database knows a step that the code does not, and so would
 * keep the previous release from running on the new schema.
 */
export async function runMigrations(db: Kysely<unknown>, sets: readonly MigrationSet[]): Promise<string[]> {
  await sql`
    create table if not exists migration (
      owner text not null, name text not null, applied_at timestamptz not null default now(), primary key (owner, name)
    )`.execute(db);
  const applied: string[] = [];
  for (const set of sets) {
    for (const migration of await missing(db, set)) {
      try {
        await db.transaction().execute(async (tx) => {
          await migration.up(tx);
          await sql`insert into migration (owner, name) values (${set.owner}, ${migration.name})`.execute(tx);
        });
      } catch (error) {
        if (error instanceof BackendFault) throw error;
        throw new MigrationFailedError(set.owner, migration.name, error);
      }
      applied.push(`${set.owner}/${migration.name}`);
    }
    await set.tend?.(db);
  }
  return applied;
}

async function missing(db: Kysely<unknown>, { owner, migrations }: MigrationSet) {
  const sorted = [...migrations].sort((a, b) => (a.name < b.name ? -1 : 1));
  const twice = sorted.find((migration, index) => migration.name === sorted[index + 1]?.name);
  if (twice) throw new MigrationOrderError(owner, twice.name, 'is listed twice');
  const { rows } = await sql<{ name: string }>`select name from migration where owner = ${owner}`.execute(db);
  const done = new Set(rows.map((row) => row.name));
  const pending = sorted.filter(({ name }) => !done.has(name));
  // Steps that only a later release knows say nothing about the order of ours.
  const last = sorted.filter(({ name }) => done.has(name)).at(-1);
  const late = pending.find(({ name }) => last && name < last.name);
  if (late) throw new MigrationOrderError(owner, late.name, `sorts before ${last!.name}, which is already applied`);
  return pending;
}
