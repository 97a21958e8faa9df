import { sql } from 'kysely';
import type { MigrationSet } from '../migrations/migration.js';

/** The tables of `Outbox` and its relay. */
export const outboxTables: MigrationSet = {
  owner: 'outbox',
  migrations: [
    {
      name: '0001-outbox',
      async up(db) {
        await sql`
          create table outbox (
            day date not null default (now() at time zone 'utc')::date,
            stream text not null,
            partition smallint not null,
            subject text not null,
            sequence bigint not null,
            event_id text not null,
            type text not null,
            settles boolean not null,
            event json not null,
            xid xid8 not null default pg_current_xact_id(),
            written_at timestamptz not null default now(),
            position bigint,
            primary key (stream, subject, sequence, day)
          ) partition by range (day)`.execute(db);
        await sql`
          create index outbox_unplaced on outbox (stream, partition, subject, sequence)
          where position is null`.execute(db);
        await sql`create unique index outbox_placed on outbox (stream, partition, position, day)`.execute(db);
        // So that a write never fails for want of a day; the relay moves its rows where they belong.
        await sql`create table outbox_default partition of outbox default`.execute(db);
        await sql`
          create table outbox_lease (
            stream text not null,
            partition smallint not null,
            holder text,
            fence bigint not null default 0,
            expires_at timestamptz not null default '-infinity',
            last_position bigint not null default 0,
            handed_position bigint not null default 0,
            floor_position bigint not null default 1,
            primary key (stream, partition)
          )`.execute(db);
        await sql`
          create table outbox_relay (
            stream text not null, relay text not null, seen_at timestamptz not null, primary key (stream, relay)
          )`.execute(db);
        await sql.raw(PLACE).execute(db);
      },
    },
  ],
};

/**
 * Gives committed rows of a partition their positions, and answers the rows from `_after` on. First the lease row is
 * locked under its fence: one that lost the lease places nothing, and whoever comes next sees all that was placed. In
 * a function each statement has a snapshot of its own, so the second sees what was committed before the lock was had.
 *
 * A row is ready when its predecessor has a position, or gets one in this call. Without a predecessor it waits while
 * the predecessor may still be committed: sequence 1 never, others until no older transaction runs and `_hold` is over
 * (the predecessor was dropped with its day, or never was).
 *
 * The first row answered has no position: it says that the lease is held.
 */
const PLACE = `
create function outbox_place(
  _stream text, _partition smallint, _holder text, _fence bigint,
  _handed bigint, _after bigint, _limit integer, _hold interval
) returns table (
  last_position bigint, floor_position bigint, handed_position bigint,
  "position" bigint, subject text, sequence bigint, event_id text, type text, settles boolean, event json
) language plpgsql as $$
#variable_conflict use_column
declare
  lease outbox_lease;
  placed bigint;
begin
  update outbox_lease l set handed_position = coalesce(_handed, l.handed_position)
  where l.stream = _stream and l.partition = _partition and l.holder = _holder and l.fence = _fence
  returning l.* into lease;
  if not found then return; end if;

  with unplaced as (
    select o.day, o.subject, o.sequence,
      o.sequence = 1
      or o.sequence = 1 + lag(o.sequence) over (partition by o.subject order by o.sequence)
      or exists (
        select from outbox p
        where p.stream = _stream and p.subject = o.subject and p.sequence = o.sequence - 1 and p.position is not null)
      or (o.xid < pg_snapshot_xmin(pg_current_snapshot()) and o.written_at < now() - _hold) as follows
    from outbox o
    where o.stream = _stream and o.partition = _partition and o.position is null
    order by o.subject, o.sequence
    limit _limit
  ), chained as (
    select day, subject, sequence, bool_and(follows) over (partition by subject order by sequence) as ready
    from unplaced
  ), ready as (
    select day, subject, sequence, row_number() over (order by subject, sequence) as place from chained where ready
  )
  update outbox o set position = lease.last_position + ready.place
  from ready
  where o.stream = _stream and o.subject = ready.subject and o.sequence = ready.sequence and o.day = ready.day;
  get diagnostics placed = row_count;
  if placed > 0 then
    update outbox_lease l set last_position = lease.last_position + placed
    where l.stream = _stream and l.partition = _partition;
  end if;

  return query select lease.last_position + placed, lease.floor_position, lease.handed_position,
    null::bigint, null::text, null::bigint, null::text, null::text, null::boolean, null::json;
  return query select lease.last_position + placed, lease.floor_position, lease.handed_position,
    o.position, o.subject, o.sequence, o.event_id, o.type, o.settles, o.event
  from outbox o
  where o.stream = _stream and o.partition = _partition and o.position > _after
  order by o.position
  limit _limit;
end $$`;
