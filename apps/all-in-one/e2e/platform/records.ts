import pg from 'pg';

/** What the services wrote, read from their tables: the ledger of the payment simulator, deliveries, mails, effects. */
export class Records {
  private constructor(private readonly client: pg.Client) {}

  static async open(databaseUrl: string): Promise<Records> {
    const client = new pg.Client({ connectionString: databaseUrl });
    client.on('error', () => undefined);
    await client.connect();
    return new Records(client);
  }

  async ledger(): Promise<{ charges: number; refunds: number; amount: number }> {
    const [row] = await this.rows<{ charges: string; refunds: string; amount: string }>(`
      select count(*) filter (where outcome = 'charged') as charges, count(refunded_at) as refunds,
             coalesce(sum(amount) filter (where outcome = 'charged' and refunded_at is null), 0) as amount
      from payment_simulator.charge`);
    return { charges: Number(row!.charges), refunds: Number(row!.refunds), amount: Number(row!.amount) };
  }

  /** Orders by status. */
  async orders(): Promise<Record<string, number>> {
    const rows = await this.rows<{ status: string; n: string }>(
      'select status, count(*) as n from order_service.purchase_order group by status',
    );
    return Object.fromEntries(rows.map(({ status, n }) => [status, Number(n)]));
  }

  /** Of each order, the types of the events that had an effect, in the order in which the effects were committed. */
  async effects(): Promise<Map<string, string[]>> {
    const rows = await this.rows<{ order_id: string; types: string[] }>(`
      select order_id, array_agg(type order by mail.created_at) as types
      from event_streaming.notification join event_streaming.mail using (event_id) group by order_id`);
    return new Map(rows.map(({ order_id: orderId, types }) => [orderId, types]));
  }

  async deliveries(): Promise<{ completed: number; due: number; stopped: number }> {
    const rows = await this.rows<{ status: string; n: string }>(
      'select status, count(*) as n from event_streaming.delivery group by status',
    );
    return {
      completed: 0,
      due: 0,
      stopped: 0,
      ...Object.fromEntries(rows.map(({ status, n }) => [status, Number(n)])),
    };
  }

  /** Each user's confirmed, not cancelled, totals: an independent count of the spend board. */
  async spend(): Promise<{ userId: string; score: number }[]> {
    const rows = await this.rows<{ user_id: string; score: string }>(`
      select user_id, sum(total) as score from order_service.purchase_order
      where status in ('confirmed', 'delivered') group by user_id order by score desc`);
    return rows.map((row) => ({ userId: row.user_id, score: Number(row.score) }));
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  private async rows<R extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<R[]> {
    return (await this.client.query<R>(text, values)).rows;
  }
}
