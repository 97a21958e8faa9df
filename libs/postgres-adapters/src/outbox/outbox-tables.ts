import { TimeoutFault } from '@redstart/ports';
import { sql } from 'kysely';
import type { SqlExecutor } from '../unit-of-work/sql-executor.js';
import type { MigrationSet } from '../migrations/migration.js';
import { makeDays } from './outbox-days.js';

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
        for (const routine of [LEASES, PLACE, SKIP]) await sql.raw(routine).execute(db);
      },
    },
  ],
  tend: makeDaysPatiently,
};

const TRIES = 10;

/** A relay that reads the outbox in another process may be in the way for a moment. */
async function makeDaysPatiently(db: SqlExecutor): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await makeDays(db);
      return;
    } catch (error) {
      if (!(error instanceof TimeoutFault) || tries === TRIES) throw error;
    }
  }
}

/**
 * A relay's sign of life: renews what it holds and takes what is free, up to its fair share of the partitions among the
 * relays alive. Answers what it holds and how many it should (the surplus is its own to give back, when it has stopped).
 */
const LEASES = `
create function outbox_hold(_stream text, _relay text, _ttl interval)
returns table ("partition" smallint, fence bigint, quota integer) language plpgsql as $$
#variable_conflict use_column
declare
  alive integer;
  before integer;
  total integer;
  share integer;
  held integer;
begin
  insert into outbox_relay (stream, relay, seen_at) values (_stream, _relay, now())
  on conflict (stream, relay) do update set seen_at = now();
  delete from outbox_relay where (stream, relay) in (
    select stream, relay from outbox_relay
    where stream = _stream and seen_at < now() - 10 * _ttl for update skip locked);
  select count(*), count(*) filter (where relay < _relay) into alive, before
  from outbox_relay where stream = _stream and seen_at > now() - _ttl;
  select count(*) into total from outbox_lease where stream = _stream;
  -- The remainder goes to the first by name, so that shares add up to the whole.
  share := total / alive + (case when before < total % alive then 1 else 0 end);

  update outbox_lease set expires_at = now() + _ttl where stream = _stream and holder = _relay;
  get diagnostics held = row_count;
  if held < share then
    update outbox_lease l set holder = _relay, fence = l.fence + 1, expires_at = now() + _ttl
    from (
      select partition from outbox_lease
      where stream = _stream and expires_at <= now() and holder is distinct from _relay
      order by partition limit share - held for update skip locked
    ) free
    where l.stream = _stream and l.partition = free.partition;
  end if;
  return query select partition, fence, share from outbox_lease where stream = _stream and holder = _relay;
end $$`;

/**
 * The stream knows positions that this database never gave: it was restored, or is new, and the stream is not. Positions
 * go on after the stream's; rows that were placed and not handed on get new ones; nothing older is appended again.
 */
const SKIP = `
create function outbox_skip(_stream text, _partition smallint, _holder text, _fence bigint, _last bigint)
returns boolean language plpgsql as $$
declare
  handed bigint;
begin
  select handed_position into handed from outbox_lease
  where stream = _stream and partition = _partition and holder = _holder and fence = _fence for update;
  if not found then return false; end if;
  update outbox set position = null where stream = _stream and partition = _partition and position > handed;
  update outbox_lease set last_position = _last, handed_position = _last, floor_position = _last + 1
  where stream = _stream and partition = _partition;
  return true;
end $$`;

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
  "position" bigint, settles boolean, event json, bytes integer
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
      -- Never null: bool_and below would pass over it.
      or coalesce(o.sequence = 1 + lag(o.sequence) over (partition by o.subject order by o.sequence), false)
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
    null::bigint, null::boolean, null::json, null::integer;
  return query select lease.last_position + placed, lease.floor_position, lease.handed_position,
    o.position, o.settles, o.event, octet_length(o.event::text)
  from outbox o
  where o.stream = _stream and o.partition = _partition and o.position > _after
  order by o.position
  limit _limit;
end $$`;
