import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { jsonCodec, partitionOf, type Stream } from '@redstart/ports';
import { createDatabase, startProxy, type TestDatabase } from '@redstart/test-servers';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { Client } from 'pg';
import { openDatabase, type Database } from '../database/database.js';
import { FakeStream } from '../../test/fake-stream.js';
import { startOutboxRelay, type RelaySettings, type RunningRelay } from './outbox-relay.js';
import { OutboxRows } from './outbox-rows.js';
import { outboxTables } from './outbox-tables.js';
import { Outbox } from './outbox.js';
import { RelayLeases } from './relay-leases.js';

interface TestEvent {
  id: string;
  type: string;
  subject: string;
  sequence: number;
}

const stream: Stream<TestEvent> = {
  name: 'orders',
  codec: jsonCodec<TestEvent>('orders@1'),
  partitions: 4,
  subject: (event) => event.subject,
  eventId: (event) => event.id,
  cap: { bytes: 1 << 20, ageMs: 1000, when: 'refuse' },
};

jest.setTimeout(30_000);

let server: TestDatabase;
let database: Database<unknown>;
let outbox: Outbox<TestEvent>;
let target: FakeStream;
let relays: RunningRelay[];
let faults: unknown[];
let hooked: TestEvent[];

beforeEach(async () => {
  server = await createDatabase();
  database = openDatabase({ url: server.url, schema: 'relay_test', poolSize: 20 });
  await database.migrate({ parts: [outboxTables] });
  outbox = new Outbox({ database, stream });
  target = new FakeStream();
  relays = [];
  faults = [];
  hooked = [];
});

afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop({ deadlineMs: 2000 })));
  await database.close();
  await server.drop();
});

// Short times, so that a takeover or a look takes tenths of a second; none of them decides what is right.
function start(settings: Partial<RelaySettings<TestEvent>> = {}): RunningRelay {
  const relay = startOutboxRelay<TestEvent>({
    outbox,
    target,
    leaseMs: 500,
    pollMs: 100,
    checkMs: 100,
    holdMs: 500,
    afterAppend: async (rows) => void hooked.push(...rows.map(({ event }) => event)),
    onFault: (error) => faults.push(error),
    ...settings,
  });
  relays.push(relay);
  return relay;
}

const event = (subject: string, sequence: number): TestEvent => ({
  id: randomUUID(),
  type: 'order.moved.v1',
  subject,
  sequence,
});

const write = (events: readonly TestEvent[], settles = false) =>
  database.unitOfWork.run((tx) =>
    outbox.write(
      tx,
      events.map((each) => ({ event: each, settles })),
    ),
  );

const appended = () => [0, 1, 2, 3].flatMap((partition) => target.events(partition) as TestEvent[]);

/** Each subject's sequences in the order of the stream; subjects of a partition never share it with another's. */
function sequences(): Record<string, number[]> {
  const bySubject: Record<string, number[]> = {};
  for (const { subject, sequence } of appended()) (bySubject[subject] ??= []).push(sequence);
  return bySubject;
}

async function positions(): Promise<Record<number, number[]>> {
  const { rows } = await sql<{ partition: number; position: number | null }>`
    select partition, position from outbox order by partition, position`.execute(database.db);
  const byPartition: Record<number, number[]> = {};
  for (const { partition, position } of rows) (byPartition[partition] ??= []).push(position ?? NaN);
  return byPartition;
}

const oneTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Positions 1, 2, 3 … in every partition, and the stream has exactly the events in that order. */
async function expectDense(): Promise<void> {
  for (const [partition, found] of Object.entries(await positions())) {
    expect(found).toEqual(oneTo(found.length));
    const { rows } = await sql<{ event_id: string }>`
      select event_id from outbox where partition = ${Number(partition)} order by position`.execute(database.db);
    const ids = (target.events(Number(partition)) as TestEvent[]).map(({ id }) => id);
    expect(ids).toEqual(rows.map((row) => row.event_id));
  }
}

async function eventually(check: () => void | Promise<void>, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const subjects = (count: number) => Array.from({ length: count }, () => randomUUID());
const life = (subject: string, length = 3) => oneTo(length).map((sequence) => event(subject, sequence));

describe('the outbox relay', () => {
  it('brings what is committed to the stream, and nothing that was rolled back', async () => {
    start();
    const kept = event(randomUUID(), 1);
    await write([kept]);
    const undone = database.unitOfWork.run(async (tx) => {
      await outbox.write(tx, [{ event: event(randomUUID(), 1), settles: false }]);
      throw new Error('no stock');
    });
    await expect(undone).rejects.toThrow('no stock');
    await eventually(() => expect(hooked).toEqual([kept]));
    expect(appended()).toEqual([kept]);
    expect(faults).toEqual([]);
  });

  it('carries on within milliseconds of the commit, by the bell and not by polling', async () => {
    start({ pollMs: 600_000, checkMs: 600_000 });
    await eventually(() => expect(relays[0]?.owned.size).toBe(4));
    await write([event(randomUUID(), 1)]);
    await eventually(() => expect(appended()).toHaveLength(1), 5000);
  });

  it('hears of commits in other processes by NOTIFY', async () => {
    start({ pollMs: 600_000, checkMs: 600_000 });
    await eventually(() => expect(relays[0]?.owned.size).toBe(4));
    // A handle and an outbox of its own: its bell knows no relay.
    const elsewhere = openDatabase<unknown>({ url: server.url, schema: 'relay_test', poolSize: 2 });
    const theirs = new Outbox({ database: elsewhere, stream });
    const admin = new Client({ connectionString: server.url });
    await admin.connect();
    try {
      const listening = async () => {
        // As the superuser: a service's role does not see what other sessions do.
        const { rows } = await admin.query("select 1 from pg_stat_activity where query ilike 'listen %'");
        expect(rows).toHaveLength(1);
      };
      await eventually(listening);
      await elsewhere.unitOfWork.run((tx) => theirs.write(tx, [{ event: event(randomUUID(), 1), settles: false }]));
      await eventually(() => expect(appended()).toHaveLength(1), 5000);
    } finally {
      await admin.end();
      await elsewhere.close();
    }
  });

  it('goes on when the patience of the caller whose commit woke it is at an end', async () => {
    start({ pollMs: 600_000, checkMs: 600_000 });
    await eventually(() => expect(relays[0]?.owned.size).toBe(4));
    target.beforeAppend = () => new Promise((resolve) => setTimeout(resolve, 700));
    const subject = randomUUID();
    const writeWithin = (each: TestEvent) =>
      database.unitOfWork.run((tx) => outbox.write(tx, [{ event: each, settles: false }]), { budgetMs: 500 });
    for (const each of life(subject, 2)) await writeWithin(each);
    await eventually(() => expect(hooked).toHaveLength(2));
    expect(faults).toEqual([]);
  });

  it('stops within its deadline while PostgreSQL is silent', async () => {
    const proxy = await startProxy(server.url);
    const behind = openDatabase<unknown>({ url: proxy.url, schema: 'relay_test' });
    try {
      const relay = start({ outbox: new Outbox({ database: behind, stream }) });
      await eventually(() => expect(relay.owned.size).toBe(4));
      proxy.silence();
      const startedAt = Date.now();
      expect(await relay.stop({ deadlineMs: 200 })).toMatchObject({ handedBack: 0 });
      expect(Date.now() - startedAt).toBeLessThan(3000);
    } finally {
      await behind.close(10);
      await proxy.close();
    }
  });

  it('finds by polling what no bell told of', async () => {
    start();
    await eventually(() => expect(relays[0]?.owned.size).toBe(4));
    // A transaction that no unit of work made rings no bell.
    await database.db
      .transaction()
      .execute((tx) => outbox.write(tx, [{ event: event(randomUUID(), 1), settles: true }]));
    await eventually(() => expect(appended()).toHaveLength(1));
  });

  it('numbers densely, and keeps each subject in order, whatever the order of commits', async () => {
    start({ batch: 7 });
    start({ batch: 7 });
    const all = subjects(40);
    // Every event is its own transaction; the later of a pair often commits first.
    const commits = all.flatMap((subject) =>
      life(subject, 4).map((each) =>
        database.unitOfWork.run(async (tx) => {
          if (each.sequence % 2 === 1) await sql`select pg_sleep(random() * 0.05)`.execute(tx);
          await outbox.write(tx, [{ event: each, settles: each.sequence === 4 }]);
          await sql`select pg_sleep(random() * 0.02)`.execute(tx);
        }),
      ),
    );
    await Promise.all(commits);
    await eventually(() => expect(appended()).toHaveLength(160));
    expect(sequences()).toEqual(Object.fromEntries(all.map((subject) => [subject, [1, 2, 3, 4]])));
    await expectDense();
    await eventually(() => expect(new Set(hooked.map(({ id }) => id)).size).toBe(160));
  });

  it('holds a row whose predecessor is still in flight, and lets other subjects pass', async () => {
    start({ holdMs: 600_000 });
    const [late, other] = subjects(2) as [string, string];
    let commit!: () => void;
    const first = database.unitOfWork.run(async (tx) => {
      await outbox.write(tx, [{ event: event(late, 1), settles: false }]);
      await new Promise<void>((resolve) => (commit = resolve));
    });
    await write([event(late, 2), event(late, 3)]);
    await write([event(other, 1)]);
    await eventually(() => expect(sequences()).toEqual({ [other]: [1] }));
    // Several polls later it still waits.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sequences()).toEqual({ [other]: [1] });
    commit();
    await first;
    await eventually(() => expect(sequences()).toEqual({ [other]: [1], [late]: [1, 2, 3] }));
  });

  it('lets a row go whose predecessor is long gone, once nobody can still commit it', async () => {
    start({ holdMs: 300 });
    const subject = randomUUID();
    await write([event(subject, 8)]);
    await eventually(() => expect(sequences()).toEqual({ [subject]: [8] }));
  });

  it('goes on where it was when the third append of ten fails', async () => {
    start({ batch: 1 });
    let count = 0;
    target.beforeAppend = () => {
      count += 1;
      if (count === 3) throw new Error('connection reset');
    };
    const subject = randomUUID();
    await write(life(subject, 10));
    await eventually(() => expect(sequences()).toEqual({ [subject]: oneTo(10) }));
    expect(faults).toHaveLength(1);
    await expectDense();
  });

  it('appends nothing twice when the reply to an append is lost', async () => {
    start({ batch: 2 });
    let count = 0;
    target.afterAppend = () => {
      count += 1;
      if (count === 2) throw new Error('reply lost');
    };
    const subject = randomUUID();
    await write(life(subject, 10));
    await eventually(() => expect(hooked.map(({ sequence }) => sequence)).toEqual(expect.arrayContaining(oneTo(10))));
    expect(sequences()).toEqual({ [subject]: oneTo(10) });
    expect(faults).toHaveLength(1);
  });

  it('heals a stream that was flushed in mid-run, and runs the hook again', async () => {
    start({ batch: 3 });
    const all = subjects(12);
    let written = 0;
    for (const subject of all) {
      await write(life(subject));
      written += 1;
      if (written === 6) {
        await eventually(() => expect(appended().length).toBeGreaterThan(0));
        target.flush();
        hooked = [];
      }
    }
    await eventually(() => expect(appended()).toHaveLength(36));
    expect(sequences()).toEqual(Object.fromEntries(all.map((subject) => [subject, [1, 2, 3]])));
    await expectDense();
    await eventually(() => expect(new Set(hooked.map(({ id }) => id)).size).toBe(36));
  });

  it('notices a flush, or a lost tail, while nothing is written', async () => {
    start();
    const all = subjects(8);
    await write(all.flatMap((subject) => life(subject)));
    await eventually(() => expect(hooked).toHaveLength(24));
    hooked = [];
    target.flush();
    await eventually(() => expect(hooked).toHaveLength(24));
    await expectDense();

    const partition = partitionOf(all[0]!, 4);
    const had = target.events(partition).length;
    hooked = [];
    target.forgetTail(partition, 2);
    await eventually(() => expect(target.events(partition)).toHaveLength(had));
    expect(hooked).toHaveLength(2);
    await expectDense();
  });

  it('waits while the stream is down or full, and goes on by itself', async () => {
    start();
    target.down = true;
    const all = subjects(5);
    await write(all.map((subject) => event(subject, 1)));
    await eventually(() => expect(faults.length).toBeGreaterThan(2));
    expect(appended()).toEqual([]);
    target.down = false;
    target.full = true;
    await eventually(() => expect(faults.map(String).join()).toContain('is full'));
    expect(appended()).toEqual([]);
    target.full = false;
    await eventually(() => expect(appended()).toHaveLength(5));
    await expectDense();
  });

  it('runs the hook again when it threw, and does not go past it', async () => {
    let failing = 2;
    const seen: number[] = [];
    start({
      batch: 2,
      afterAppend: async (rows) => {
        seen.push(rows[0]!.position);
        if (rows[0]!.position === 3 && failing > 0) {
          failing -= 1;
          throw new Error('queue is down');
        }
      },
    });
    const subject = randomUUID();
    await write(life(subject, 6));
    await eventually(() => expect(seen).toEqual([1, 3, 3, 3, 5]));
    expect(sequences()).toEqual({ [subject]: oneTo(6) });
  });

  it('runs the hook after a restart for what the stream has and the hook was not told', async () => {
    const dying = start({
      afterAppend: async () => {
        await new Promise(() => undefined);
      },
    });
    const subject = randomUUID();
    await write(life(subject, 3));
    await eventually(() => expect(appended()).toHaveLength(3));
    void dying.stop({ deadlineMs: 1 });
    start();
    await eventually(() => expect(hooked).toHaveLength(3));
    expect(sequences()).toEqual({ [subject]: [1, 2, 3] });
  });

  it('shares partitions fairly, and takes over those of a relay that went', async () => {
    const [one, two, three] = [start(), start(), start()] as [RunningRelay, RunningRelay, RunningRelay];
    const sizes = () => [one, two, three].map((relay) => relay.owned.size).sort();
    await eventually(() => expect(sizes()).toEqual([1, 1, 2]));
    expect(new Set([...one.owned, ...two.owned, ...three.owned]).size).toBe(4);
    const given = await two.stop({ deadlineMs: 2000 });
    expect(given.handedBack).toBeGreaterThan(0);
    expect(await two.stop({ deadlineMs: 2000 })).toEqual(given);
    await eventually(() => expect([one.owned.size, three.owned.size]).toEqual([2, 2]));
    const subject = randomUUID();
    await write(life(subject));
    await eventually(() => expect(sequences()).toEqual({ [subject]: [1, 2, 3] }));
  });

  it('lets a relay that slept between reading and appending neither reorder nor give a position twice', async () => {
    // The sleeper holds all partitions, falls asleep before an append, and is taken over.
    const subject = randomUUID();
    let wake!: () => void;
    let asleep = false;
    const sleep = new Promise<void>((resolve) => (wake = resolve));
    const slowTarget = new Proxy(target, {
      get: (of, name: keyof FakeStream) =>
        name === 'append'
          ? async (...args: Parameters<FakeStream['append']>) => {
              asleep = true;
              await sleep;
              return of.append(...args);
            }
          : typeof of[name] === 'function'
            ? (of[name] as (...args: unknown[]) => unknown).bind(of)
            : of[name],
    });
    const sleeper = start({ target: slowTarget, name: 'sleeper', leaseMs: 600_000 });
    await eventually(() => expect(sleeper.owned.size).toBe(4));
    await write(life(subject, 3));
    await eventually(() => expect(asleep).toBe(true));
    // What SIGSTOP does: no sign of life, so the leases run out, while in its memory it still holds them.
    await sql`update outbox_lease set holder = 'nobody', expires_at = '-infinity' where holder = 'sleeper'`.execute(
      database.db,
    );
    start({ name: 'heir' });
    await eventually(() => expect(sequences()).toEqual({ [subject]: [1, 2, 3] }));
    await write(life(subject, 6).slice(3));
    await eventually(() => expect(sequences()).toEqual({ [subject]: oneTo(6) }));
    wake();
    await write([event(subject, 7)]);
    await eventually(() => expect(sequences()).toEqual({ [subject]: oneTo(7) }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sequences()).toEqual({ [subject]: oneTo(7) });
    await expectDense();
  });

  it('places nothing, skips nothing and remembers nothing for one whose lease is another’s', async () => {
    const rows = new OutboxRows<TestEvent>(database.db, 'orders', 0);
    const leases = new RelayLeases({
      db: database.db,
      stream: 'orders',
      partitions: 4,
      relay: 'holder',
      leaseMs: 60_000,
    });
    await leases.prepare();
    const partition = partitionOf('a', 4);
    const fence = (await leases.hold()).fences.get(partition)!;
    await write(life('a'));
    const lease = async () =>
      (await sql`select * from outbox_lease where partition = ${partition}`.execute(database.db)).rows;
    const before = await lease();
    for (const other of [
      { partition, relay: 'holder', fence: fence - 1 },
      { partition, relay: 'another', fence },
    ]) {
      expect(await rows.place(other, { handed: 7, after: 0, limit: 10 })).toBeUndefined();
      expect(await rows.skipTo(other, 9)).toBe(false);
    }
    expect(await lease()).toEqual(before);
    expect((await positions())[partition]).toEqual([NaN, NaN, NaN]);
    const placed = await rows.place({ partition, relay: 'holder', fence }, { handed: undefined, after: 0, limit: 10 });
    expect(placed?.rows.map(({ position }) => position)).toEqual([1, 2, 3]);
  });

  it('goes on after a stream that is older than the database', async () => {
    const partition = partitionOf('a', 4);
    const old = Array.from({ length: 5 }, (_, index) => event('old', index + 1));
    const sequenced = { producer: 'outbox:relay_test', partition, firstPosition: 1 };
    await target.append(stream, old, { sequenced });
    start();
    await write(life('a'));
    await eventually(() => expect(sequences()).toEqual({ old: oneTo(5), a: [1, 2, 3] }));
    expect(faults.map((fault) => (fault as { code?: string }).code)).toEqual(['OUTBOX_BEHIND_STREAM']);
    // And a flush after that brings back what this database has.
    target.flush();
    await eventually(() => expect(sequences()).toEqual({ a: [1, 2, 3] }));
  });
});
