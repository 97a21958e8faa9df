import type { Tx } from '../../database/tables.js';
import type { Delivery, DeliveryStore } from '../application/delivery-store.js';

export class PostgresDeliveryStore implements DeliveryStore<Tx> {
  async schedule(tx: Tx, { id, orderId, dueAt }: Delivery & { dueAt: Date }): Promise<void> {
    await tx
      .insertInto('delivery')
      .values({ id, order_id: orderId, status: 'due', due_at: dueAt })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async stop(tx: Tx, orderId: string): Promise<void> {
    await tx
      .updateTable('delivery')
      .set({ status: 'stopped' })
      .where('order_id', '=', orderId)
      .where('status', '=', 'due')
      .execute();
  }

  async completeDue(tx: Tx, { now, limit }: { now: Date; limit: number }): Promise<Delivery[]> {
    const due = tx
      .selectFrom('delivery')
      .select('order_id')
      .where('status', '=', 'due')
      .where('due_at', '<=', now)
      .orderBy('due_at')
      .limit(limit)
      .forUpdate()
      .skipLocked();
    const rows = await tx
      .updateTable('delivery')
      .set({ status: 'completed' })
      .where('order_id', 'in', due)
      .returning(['id', 'order_id'])
      .execute();
    return rows.map((row) => ({ id: row.id, orderId: row.order_id }));
  }
}
