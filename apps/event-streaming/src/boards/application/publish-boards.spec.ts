import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryBackend } from '@redstart/memory-adapters';
import { SystemClock, type Adapters, type Leaderboard } from '@redstart/ports';
import { eventually, faulty } from '@redstart/ports/contracts';
import type { Database } from '@redstart/postgres-adapters';
import { sql } from 'kysely';
import { openDatabaseUnderTest } from '../../database/database-under-test.js';
import type { Tables } from '../../database/tables.js';
import { SampleOrder } from '../../orders/domain/sample-order.fixture.js';
import { PostgresSpendStore } from '../infrastructure/postgres-spend-store.js';
import { countSpend } from './count-spend.js';
import { publishBoards } from './publish-boards.js';
import { readBoard } from './read-board.js';

describe('the spend board', () => {
  const clock = new SystemClock();
  let database: Database<Tables>;
  let close: () => Promise<void>;
  let store: PostgresSpendStore;
  let adapters: Adapters;
  let leaderboard: Leaderboard;

  beforeAll(async () => {
    ({ database, close } = await openDatabaseUnderTest());
    store = new PostgresSpendStore(database.db);
  });
  beforeEach(async () => {
    await database.db.deleteFrom('spend_order').execute();
    await database.db.deleteFrom('board').execute();
    await loseRedis();
  });
  afterAll(async () => {
    await adapters.close();
    await close();
  });

  /** As a flush: the board is gone, with all that was told to it. */
  const loseRedis = async () => {
    await adapters?.close();
    adapters = new MemoryBackend().open({ timeoutMs: 500, clock });
    leaderboard = adapters.leaderboard;
  };
  const now = () => new Date().toISOString();
  const happen = (event: ReturnType<SampleOrder['event']>) =>
    database.unitOfWork.run((tx) => countSpend(store)(event, tx));
  const publish = (to = leaderboard) => publishBoards({ store, leaderboard: to, clock });
  const read = (window: 'all' | 'day' | 'week' = 'all', from = leaderboard) =>
    readBoard({ store, leaderboard: from, clock }, { name: 'spend', limit: 10, window });

  it('counts an order from confirmed on, in all windows, until it is cancelled, and each once', async () => {
    const order = new SampleOrder();
    const [placed, confirmed] = [order.event('placed', now()), order.event('confirmed', now())];
    await happen(placed);
    await publish();
    expect(await read()).toEqual([]);
    await happen(confirmed);
    await happen(confirmed);
    await publish();
    for (const window of ['all', 'day', 'week'] as const) {
      expect(await read(window)).toEqual([{ rank: 1, userId: order.customer.id, name: 'First Customer', score: 1530 }]);
    }
    const cancelled = order.event('cancelled', now());
    await happen(cancelled);
    await happen(cancelled);
    await publish();
    expect(await read()).toEqual([]);
    expect(await store.top('spend', 10)).toEqual([]);
  });

  it('takes an order back from the day on which it counted, not from the day of its cancellation', async () => {
    const order = new SampleOrder();
    await happen(order.event('confirmed', '2026-11-23T23:59:00.000Z'));
    await happen(order.event('cancelled', '2026-11-24T00:01:00.000Z'));
    const { rows } = await database.db
      .selectFrom('board_total')
      .select(['board', 'total'])
      .execute()
      .then((rows) => ({ rows: rows.map(({ board, total }) => `${board} ${total}`).sort() }));
    expect(rows).toEqual(['spend 0', 'spend.day.2026-11-23 0', 'spend.week.2026-11-23 0']);
  });

  it('adds up a customer’s orders and ranks the highest first', async () => {
    const [first, second] = [
      new SampleOrder(),
      new SampleOrder({ id: crypto.randomUUID(), name: 'Second', email: 'b@c.example' }, 6000),
    ];
    const more = new SampleOrder(first.customer, 3000);
    for (const order of [first, second, more]) await happen(order.event('confirmed', now()));
    await publish();
    expect((await read()).map(({ name, score }) => `${name} ${score}`)).toEqual(['Second 6000', 'First Customer 4530']);
  });

  it('is whole again after Redis lost it, though nothing has changed', async () => {
    await happen(new SampleOrder().event('confirmed', now()));
    await happen(new SampleOrder(undefined, 600).event('confirmed', now()));
    await publish();
    await loseRedis();
    await publish();
    expect(await leaderboard.top('spend', { limit: 10 })).toHaveLength(2);
  });

  it('is whole at the next publishing, after whichever step of the last it was lost', async () => {
    const MEMBERS = 501; // more than are set at once
    await happen(new SampleOrder().event('confirmed', now()));
    await sql`
      insert into board_total (board, user_id, total, version)
      select 'spend', gen_random_uuid(), score, 1 from generate_series(2, ${MEMBERS}) as score`.execute(database.db);
    let steps = 0;
    for (let lostAfter = 1; lostAfter <= steps + 1; lostAfter += 1) {
      await loseRedis();
      steps = 0;
      const step = async <R>(call: Promise<R>) => {
        const result = await call;
        if ((steps += 1) === lostAfter) await loseRedis();
        return result;
      };
      const losing: Pick<Leaderboard, 'set' | 'incarnation'> = {
        set: (...given) => step(leaderboard.set(...given)),
        incarnation: (...given) => step(leaderboard.incarnation(...given)),
      };
      await publish(losing as Leaderboard);
      await publish();
      const top = await leaderboard.top('spend', { limit: 1000 });
      expect({ lostAfter, members: top.length }).toEqual({ lostAfter, members: MEMBERS });
    }
    expect(steps).toBeGreaterThan(4);
  });

  it('gives up until the next publishing where what is set is gone at once', async () => {
    await happen(new SampleOrder().event('confirmed', now()));
    let sets = 0;
    const losing: Pick<Leaderboard, 'set' | 'incarnation'> = {
      set: async () => void (sets += 1),
      incarnation: async () => undefined,
    };
    await publish(losing as Leaderboard);
    expect(sets).toBe(3); // once a window
    await publish();
    expect(await leaderboard.top('spend', { limit: 10 })).toHaveLength(1);
  });

  it('does not count what another replica told a board that is lost', async () => {
    await happen(new SampleOrder().event('confirmed', now()));
    await store.adopt('spend', 'the board that was');
    const told = await store.unpublished('spend', 10);
    await store.adopt('spend', 'the board that is');
    await store.markPublished('spend', told, 'the board that was');
    expect(await store.unpublished('spend', 10)).toEqual(told);
    await store.markPublished('spend', told, 'the board that is');
    expect(await store.unpublished('spend', 10)).toEqual([]);
    await store.adopt('spend', 'the board that is');
    expect(await store.unpublished('spend', 10)).toEqual([]);
  });

  it('counts nothing told to a lost board, though that is noted while another replica adopts the new one', async () => {
    await happen(new SampleOrder().event('confirmed', now()));
    await store.adopt('spend', 'the board that was');
    const told = await store.unpublished('spend', 10);
    let noted = false;
    let noting: Promise<void> | undefined;
    await database.db.transaction().execute(async (tx) => {
      await tx.updateTable('board').set({ incarnation: 'the board that is' }).where('name', '=', 'spend').execute();
      await tx.updateTable('board_total').set({ published_version: 0 }).where('published_version', '>', 0).execute();
      noting = store.markPublished('spend', told, 'the board that was').then(() => void (noted = true));
      await eventually(async () => {
        const { rows } = await sql`select 1 from pg_locks where not granted`.execute(database.db);
        expect(noted || rows.length > 0).toBe(true);
      });
    });
    await noting;
    expect(await store.unpublished('spend', 10)).toEqual(told);
  });

  it('is read from PostgreSQL while Redis is away, and told later what it missed', async () => {
    const order = new SampleOrder();
    await happen(order.event('confirmed', now()));
    const away = faulty(leaderboard, { failRate: 1 });
    await expect(publish(away)).rejects.toThrow();
    expect(await read('all', away)).toEqual([
      { rank: 1, userId: order.customer.id, name: 'First Customer', score: 1530 },
    ]);
    await publish();
    expect(await leaderboard.top('spend', { limit: 10 })).toHaveLength(1);
  });

  it('goes with its window, and never the one of all time', async () => {
    await happen(new SampleOrder().event('confirmed', '2025-01-06T10:00:00.000Z'));
    expect(await store.boards()).toEqual([expect.objectContaining({ board: 'spend' })]);
    await store.purge();
    const left = await database.db.selectFrom('board_total').select('board').execute();
    expect(left).toEqual([{ board: 'spend' }]);
  });

  it('is the only one there is', async () => {
    const parts = { store, leaderboard, clock };
    await expect(readBoard(parts, { name: 'other', limit: 1, window: 'all' })).rejects.toMatchObject({
      code: 'UNKNOWN_LEADERBOARD',
    });
  });
});
