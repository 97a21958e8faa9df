import type { BoardEntry, Ranked } from '@redstart/ports';
import { sql } from 'kysely';
import type { Db, Tx } from '../../database/tables.js';
import type { Spend, SpendStore } from '../application/spend-store.js';
import type { BoardWindow } from '../domain/spend-windows.js';

export class PostgresSpendStore implements SpendStore<Tx> {
  constructor(private readonly db: Db) {}

  async nameCustomer(tx: Tx, { id, name }: { id: string; name: string }): Promise<void> {
    await tx
      .insertInto('customer')
      .values({ id, name })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ name }))
      .execute();
  }

  async remember(tx: Tx, { orderId, userId, amount, countedAt }: Spend): Promise<boolean> {
    const row = await tx
      .insertInto('spend_order')
      .values({ order_id: orderId, user_id: userId, amount, counted_at: countedAt })
      .onConflict((conflict) => conflict.doNothing())
      .returning('order_id')
      .executeTakeFirst();
    return row !== undefined;
  }

  async forget(tx: Tx, orderId: string): Promise<Spend | undefined> {
    const row = await tx.deleteFrom('spend_order').where('order_id', '=', orderId).returningAll().executeTakeFirst();
    return row && { orderId, userId: row.user_id, amount: row.amount, countedAt: row.counted_at };
  }

  async add(
    tx: Tx,
    { board, expiresAt }: BoardWindow,
    { userId, amount }: { userId: string; amount: number },
  ): Promise<void> {
    await tx
      .insertInto('board')
      .values({ name: board, expires_at: expiresAt ?? null })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await tx
      .insertInto('board_total')
      .values({ board, user_id: userId, total: amount, version: 1 })
      .onConflict((conflict) =>
        conflict.columns(['board', 'user_id']).doUpdateSet((eb) => ({
          total: eb('board_total.total', '+', amount),
          version: eb('board_total.version', '+', 1),
        })),
      )
      .execute();
  }

  async boards(): Promise<(BoardWindow & { incarnation?: string })[]> {
    const rows = await this.db
      .selectFrom('board')
      .selectAll()
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)]))
      .execute();
    return rows.map((row) => ({
      board: row.name,
      expiresAt: row.expires_at ?? undefined,
      incarnation: row.incarnation ?? undefined,
    }));
  }

  async unpublished(board: string, limit: number): Promise<BoardEntry[]> {
    const rows = await this.db
      .selectFrom('board_total')
      .select(['user_id', 'total', 'version'])
      .where('board', '=', board)
      .whereRef('published_version', '<', 'version')
      .limit(limit)
      .execute();
    return rows.map((row) => ({ member: row.user_id, score: row.total, version: row.version }));
  }

  async markPublished(board: string, entries: readonly BoardEntry[], incarnation: string): Promise<void> {
    // The lock orders this before or after an adoption, never between its two steps.
    // Not "published = version": the row may have moved on since it was read.
    await sql`
      with present as (select name from board where name = ${board} and incarnation = ${incarnation} for share)
      update board_total set published_version = greatest(published_version, told.version)
      from present, unnest(
        ${entries.map(({ member }) => member)}::uuid[], ${entries.map(({ version }) => version)}::bigint[]
      ) as told (user_id, version)
      where board_total.board = present.name and board_total.user_id = told.user_id`.execute(this.db);
  }

  async adopt(board: string, incarnation: string | undefined): Promise<void> {
    await this.db.transaction().execute(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('board')
        .set({ incarnation: incarnation ?? null })
        .where('name', '=', board)
        .where('incarnation', 'is distinct from', incarnation ?? null)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return;
      await tx
        .updateTable('board_total')
        .set({ published_version: 0 })
        .where('board', '=', board)
        .where('published_version', '>', 0)
        .execute();
    });
  }

  async purge(): Promise<void> {
    await this.db
      .deleteFrom('board')
      .where('expires_at', '<=', sql<Date>`now()`)
      .execute();
  }

  async top(board: string, limit: number): Promise<Ranked[]> {
    const rows = await this.db
      .selectFrom('board_total')
      .select(['user_id', 'total'])
      .where('board', '=', board)
      .where('total', '>', 0)
      .orderBy('total', 'desc')
      .orderBy('user_id')
      .limit(limit)
      .execute();
    return rows.map((row, index) => ({ rank: index + 1, member: row.user_id, score: row.total }));
  }

  async names(userIds: readonly string[]): Promise<Map<string, string>> {
    if (userIds.length === 0) return new Map();
    const rows = await this.db.selectFrom('customer').selectAll().where('id', 'in', userIds).execute();
    return new Map(rows.map(({ id, name }) => [id, name]));
  }
}
