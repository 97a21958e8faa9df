import type { OrderEvent } from '@redstart/messages';
import {
  afterCommit,
  claimFence,
  type IdempotencyRecords,
  type Outbox,
  type Share,
  type SqlTransaction,
} from '@redstart/postgres-adapters';
import { sql } from 'kysely';
import { v7 as uuid } from 'uuid';
import type { OpenTransaction } from '../application/open-transaction.js';
import { orderEvent } from '../application/order-event.js';
import {
  OrderStore,
  type Answer,
  type HistoryEvent,
  type Moved,
  type NewOrder,
  type Placed,
  type PlaceRequest,
  type Reserved,
} from '../application/order-store.js';
import { paymentNumber, reject, type Move, type Order, type OrderStatus } from '../domain/order.js';
import { orderColumns, toOrder, type OrderRow } from './order-row.js';
import { putStockBack, takeStock } from './stock.js';

export interface PostgresOrderStoreParts {
  /** Orders' own connections. */
  share: Share<unknown>;
  outbox: Outbox<OrderEvent>;
  idempotency: IdempotencyRecords;
  /** Told after a commit that changed the stock of these products. */
  onStockChanged: (skus: readonly string[]) => void;
}

export class PostgresOrderStore extends OrderStore {
  constructor(private readonly parts: PostgresOrderStoreParts) {
    super();
  }

  place({ userId, idempotencyKey: key, bodyHash, now, outcome }: PlaceRequest): Promise<Placed> {
    const { share, idempotency } = this.parts;
    return share.unitOfWork.run<Placed>(async (tx) => {
      const begun = await idempotency.begin(tx, { userId, key, bodyHash });
      if (begun.status === 'replay') return { status: 'answered', answer: begun.answer, replayed: true };
      if (begun.status === 'mismatch') return { status: 'key-reused' };
      if (begun.status === 'in-flight') return { status: 'in-flight' };
      const answer: Answer =
        'refusal' in outcome ? outcome.refusal : outcome.answer(await this.insert(tx, outcome.order, now));
      await idempotency.finish(tx, { userId, key }, answer);
      return { status: 'answered', answer, replayed: false };
    });
  }

  async find(id: string): Promise<Order | undefined> {
    const { rows } = await sql<OrderRow>`select ${orderColumns} from purchase_order where id = ${id}`.execute(this.db);
    return rows[0] && toOrder(rows[0]);
  }

  async list(options: { userId?: string; status?: OrderStatus; before?: string; limit: number }): Promise<Order[]> {
    const { userId, status, before, limit } = options;
    // Ids are UUIDv7: their order is that of placing.
    const { rows } = await sql<OrderRow>`
      select ${orderColumns} from purchase_order
      where true
        ${userId === undefined ? sql`` : sql`and user_id = ${userId}`}
        ${status === undefined ? sql`` : sql`and status = ${status}`}
        ${before === undefined ? sql`` : sql`and id < ${before}`}
      order by id desc limit ${limit}`.execute(this.db);
    return rows.map(toOrder);
  }

  async history(id: string): Promise<HistoryEvent[]> {
    const { rows } = await sql<{ event: OrderEvent }>`
      select event from order_event where order_id = ${id} order by sequence`.execute(this.db);
    return rows.map(({ event: { id, type, time, data } }) => ({ id, type, time, data }));
  }

  async stillPlaced(ids: readonly string[]): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select id from purchase_order where id = any(${ids}::uuid[]) and status = 'placed'`.execute(this.db);
    return rows.map(({ id }) => id);
  }

  claim(id: string, fence: number): Promise<'claimed' | 'stale'> {
    return claimFence(this.db, { table: 'purchase_order', id, fence });
  }

  reserve(id: string, { fence, now }: { fence: number; now: number }): Promise<Reserved> {
    return this.parts.share.unitOfWork.run<Reserved>(async (tx) => {
      const row = await lockOrder(tx, id);
      if (!row || row.fence !== fence || row.status !== 'placed') return { status: 'lost' };
      const order = toOrder(row);
      if (!order.reserved && (await takeStock(tx, order.lines)) === 'out-of-stock') {
        await this.apply(tx, order, reject(order, 'OUT_OF_STOCK')!, now);
        return { status: 'out-of-stock' };
      }
      const payment = { number: paymentNumber(order), state: 'asked' } as const;
      if (!order.reserved || order.payment?.number !== payment.number) {
        await sql`
          update purchase_order set reserved = true, payment_number = ${payment.number}, payment_state = ${payment.state}
          where id = ${id}`.execute(tx);
      }
      if (!order.reserved) this.stockChanged(tx, order);
      return { status: 'reserved', order: { ...order, reserved: true, payment }, payment };
    });
  }

  move(
    id: string,
    { fence, now, tx }: { fence?: number; now: number; tx?: OpenTransaction },
    decide: (order: Order) => Move | undefined,
  ): Promise<Moved> {
    const within = async (open: SqlTransaction): Promise<Moved> => {
      const row = await lockOrder(open, id);
      if (!row) return { status: 'unknown' };
      const order = toOrder(row);
      const move = fence === undefined || row.fence === fence ? decide(order) : undefined;
      if (!move) return { status: 'refused', order };
      return { status: 'moved', order: await this.apply(open, order, move, now) };
    };
    return tx ? within(tx as SqlTransaction) : this.parts.share.unitOfWork.run(within);
  }

  async settle(id: string, payment: { number: number; state: 'refunded' | 'voided' }): Promise<void> {
    await sql`
      update purchase_order set payment_state = ${payment.state}
      where id = ${id} and payment_number = ${payment.number} and payment_state = 'reversal-due'`.execute(this.db);
  }

  async healthyTime({ now, healthy, capMs }: { now: number; healthy: boolean; capMs: number }): Promise<number> {
    const at = new Date(now);
    const { rows } = await sql<{ healthy_ms: number }>`
      update healthy_time set
        healthy_ms = healthy_ms + case when ${healthy} then
          least(greatest(floor(extract(epoch from ${at}::timestamptz - coalesce(seen_at, ${at})) * 1000), 0), ${capMs})
          else 0 end::bigint,
        seen_at = greatest(seen_at, ${at})
      returning healthy_ms`.execute(this.db);
    return rows[0]!.healthy_ms;
  }

  async overdue({ placedHealthyMs, limit }: { placedHealthyMs: number; limit: number }): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select id from purchase_order where status = 'placed' and placed_healthy_ms <= ${placedHealthyMs}
      order by placed_healthy_ms limit ${limit}`.execute(this.db);
    return rows.map(({ id }) => id);
  }

  async nudge({ now, quietMs, limit }: { now: number; quietMs: number; limit: number }): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      update purchase_order set nudged_at = ${new Date(now)} where id in (
        select id from purchase_order where status = 'placed' and nudged_at <= ${new Date(now - quietMs)}
        order by nudged_at limit ${limit} for update skip locked
      ) returning id`.execute(this.db);
    return rows.map(({ id }) => id);
  }

  async nudgeReversals({ now, quietMs, limit }: { now: number; quietMs: number; limit: number }): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      update purchase_order set payment_nudged_at = ${new Date(now)} where id in (
        select id from purchase_order
        where payment_state = 'reversal-due' and payment_nudged_at <= ${new Date(now - quietMs)}
        order by payment_nudged_at limit ${limit} for update skip locked
      ) returning id`.execute(this.db);
    return rows.map(({ id }) => id);
  }

  private get db() {
    return this.parts.share.db;
  }

  private async insert(tx: SqlTransaction, { customer, lines, ...rest }: NewOrder, now: number): Promise<Order> {
    const order: Order = {
      ...rest,
      id: uuid(),
      customer,
      lines,
      status: 'placed',
      placedAt: now,
      sequence: 1,
      reserved: false,
    };
    const event = orderEvent(order, { now });
    const at = new Date(now);
    await sql`
      with made as (
        insert into purchase_order (id, user_id, customer_name, customer_email, placed_by, status, lines, total,
          currency, placed_at, sequence, nudged_at, placed_healthy_ms)
        values (${order.id}, ${customer.id}, ${customer.name}, ${customer.email}, ${order.placedBy ?? null}, 'placed',
          ${JSON.stringify(lines)}::jsonb, ${order.total}, ${order.currency}, ${at}, 1, ${at},
          (select healthy_ms from healthy_time))
      )
      insert into order_event (order_id, sequence, event) values (${order.id}, 1, ${JSON.stringify(event)}::json)
      `.execute(tx);
    await this.parts.outbox.write(tx, [{ event, settles: false }]);
    return order;
  }

  private async apply(tx: SqlTransaction, before: Order, move: Move, now: number): Promise<Order> {
    const payment = before.payment && move.payment ? { ...before.payment, state: move.payment } : before.payment;
    const order: Order = {
      ...before,
      status: move.to,
      ...(move.reason !== undefined && { reason: move.reason }),
      reserved: before.reserved && !move.releasesStock,
      payment,
      sequence: before.sequence + 1,
    };
    const event = orderEvent(order, { now, move });
    await sql`
      with moved as (
        update purchase_order set status = ${order.status}, reason = ${order.reason ?? null},
          reserved = ${order.reserved}, sequence = ${order.sequence}, payment_state = ${payment?.state ?? null},
          payment_nudged_at = ${payment?.state === 'reversal-due' ? new Date(now) : null}
        where id = ${order.id}
      )
      insert into order_event (order_id, sequence, event)
      values (${order.id}, ${order.sequence}, ${JSON.stringify(event)}::json)`.execute(tx);
    await this.parts.outbox.write(tx, [{ event, settles: settled.has(order.status) }]);
    // Last, so that the rows that other orders wait for are held as short as can be.
    if (move.releasesStock) {
      await putStockBack(tx, order.lines);
      this.stockChanged(tx, order);
    }
    return order;
  }

  private stockChanged(tx: SqlTransaction, { lines }: Order): void {
    const skus = [...new Set(lines.map(({ sku }) => sku))];
    afterCommit(tx, () => this.parts.onStockChanged(skus));
  }
}

/** States that an order does not leave by itself; a return may still take it out of `delivered`. */
const settled: ReadonlySet<OrderStatus> = new Set(['delivered', 'rejected', 'cancelled']);

async function lockOrder(tx: SqlTransaction, id: string): Promise<OrderRow | undefined> {
  const { rows } = await sql<OrderRow>`
    select ${orderColumns} from purchase_order where id = ${id} for update`.execute(tx);
  return rows[0];
}
