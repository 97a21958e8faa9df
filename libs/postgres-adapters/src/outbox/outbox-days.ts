import { sql, type Kysely } from 'kysely';
import type { SqlExecutor } from '../unit-of-work/sql-executor.js';

/** Days whose tables are made in advance. A relay looks every few minutes, so one that starts again in time finds its day. */
const AHEAD_DAYS = 3;

const DAY_LOCK = "hashtextextended(current_schema() || '.outbox.days', 0)";
const tableOf = (day: string) => `outbox_${day.replaceAll('-', '')}`;

/** Makes the tables of today and the days to come. Answers the days made; none when another process is at it. */
export function makeDays(db: SqlExecutor): Promise<string[]> {
  return tending(db, async (tx) => {
    const { rows } = await sql<{ day: string }>`
      select distinct day from (
        select (now() at time zone 'utc')::date + n as day from generate_series(0, ${AHEAD_DAYS}::integer) n
        union all select day from outbox_default
      ) wanted
      where to_regclass(format('%I.outbox_%s', current_schema(), to_char(day, 'YYYYMMDD'))) is null
      order by day`.execute(tx);
    for (const { day } of rows) await makeDay(tx, day);
    return rows.map(({ day }) => day);
  });
}

export interface DroppedDays {
  dropped: string[];
  /** The oldest day that is over and may not go yet: a row not handed on, or a subject that still moves. */
  held?: string;
}

/**
 * Drops the tables of days that are over: it costs nothing where deleting would bloat. Days go in order, so that what
 * remains is a tail without holes.
 */
export async function dropDays(db: SqlExecutor, keepDays: number): Promise<DroppedDays> {
  const dropped = await tending(db, async (tx) => {
    const { rows } = await sql<{ day: string }>`
      select to_date(right(c.relname, 8), 'YYYYMMDD') as day
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'outbox'::regclass and c.relname ~ '^outbox_[0-9]{8}$'
        and to_date(right(c.relname, 8), 'YYYYMMDD') < (now() at time zone 'utc')::date - ${keepDays}::integer
      order by day`.execute(tx);
    const gone: string[] = [];
    for (const { day } of rows) {
      if (!(await mayGo(tx, day))) return { dropped: gone, held: day };
      await dropDay(tx, day);
      gone.push(day);
    }
    return { dropped: gone };
  });
  return Array.isArray(dropped) ? { dropped: [] } : dropped;
}

/** One process at a time. Locks are waited for half a second, then it throws: try again in a minute. */
function tending<R>(db: SqlExecutor, work: (tx: SqlExecutor) => Promise<R>): Promise<R | never[]> {
  // Any kysely handle opens a transaction; its tables do not matter here.
  return (db as Kysely<unknown>).transaction().execute(async (tx) => {
    await sql`select set_config('lock_timeout', '500ms', true)`.execute(tx);
    const { rows } = await sql<{ held: boolean }>`
      select pg_try_advisory_xact_lock(${sql.raw(DAY_LOCK)}) as held`.execute(tx);
    return rows[0]?.held ? work(tx) : [];
  });
}

/** Attached, not created in place: that takes the weaker lock on the outbox. Rows that came before their day move in. */
async function makeDay(tx: SqlExecutor, day: string): Promise<void> {
  const table = sql.table(tableOf(day));
  await sql`lock table outbox_default in access exclusive mode`.execute(tx);
  await sql`create table ${table} (like outbox including defaults including constraints)`.execute(tx);
  await sql`
    with moved as (delete from outbox_default where day = ${day}::date returning *)
    insert into ${table} select * from moved`.execute(tx);
  await sql`
    alter table outbox attach partition ${table}
    for values from (${sql.lit(day)}) to (${sql.lit(nextDay(day))})`.execute(tx);
}

function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
}

/** All handed on, and of each subject the latest event that there is settles it. */
async function mayGo(tx: SqlExecutor, day: string): Promise<boolean> {
  const table = sql.table(tableOf(day));
  const { rows } = await sql<{ held: boolean }>`
    select exists (
      select from ${table} o left join outbox_lease l on l.stream = o.stream and l.partition = o.partition
      where o.position is null or l.handed_position is null or o.position > l.handed_position
    ) or exists (
      select from (select distinct stream, subject from ${table}) s
      cross join lateral (
        select settles from outbox o where o.stream = s.stream and o.subject = s.subject
        order by sequence desc limit 1
      ) latest
      where not latest.settles
    ) as held`.execute(tx);
  return !rows[0]!.held;
}

async function dropDay(tx: SqlExecutor, day: string): Promise<void> {
  const table = sql.table(tableOf(day));
  await sql`
    update outbox_lease l set floor_position = greatest(l.floor_position, gone.last + 1)
    from (select stream, partition, max(position) as last from ${table} group by stream, partition) gone
    where l.stream = gone.stream and l.partition = gone.partition`.execute(tx);
  await sql`drop table ${table}`.execute(tx);
}
