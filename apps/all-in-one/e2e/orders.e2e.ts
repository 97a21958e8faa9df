import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { eventually } from './platform/eventually.js';
import { admin, startPlatform, type Platform } from './platform/platform.js';
import { Records } from './platform/records.js';
import type { ShopClient } from './platform/shop-client.js';

describe('an order, through real processes, Redis and PostgreSQL', () => {
  let platform: Platform;
  let records: Records;
  let shop: ShopClient;
  let adminToken: string;

  beforeAll(async () => {
    platform = await startPlatform();
    records = await Records.open(platform.database.url);
    shop = platform.shop;
    adminToken = await shop.logIn(admin);
  });
  afterAll(async () => {
    await records?.close();
    await platform?.close();
  });

  const product = async (stock: number, price = 250) => {
    const sku = `SKU-${randomUUID()}`;
    await shop.putProduct(adminToken, sku, { stock, price });
    return sku;
  };

  it('travels from 201 to delivered by itself, and leaves mail, notification, charge and spend', async () => {
    const sku = await product(10);
    const customer = await shop.customer('First Customer');
    const placed = await shop.place(customer.token, [{ sku, quantity: 4 }]);
    expect(placed.status).toBe(201);
    expect(placed.headers.get('location')).toBe(`/v1/orders/${placed.body.id}`);
    expect(placed.body).toMatchObject({
      status: 'placed',
      userId: customer.id,
      total: { amount: 1000, currency: 'GBP' },
    });

    const order = await shop.settled(customer.token, placed.body.id);
    expect(order.status).toBe('delivered');
    expect(await shop.stock(sku)).toBe(6);
    const history = await shop.request<{ items: { type: string }[] }>('GET', `/v1/orders/${order.id}/events`, customer);
    expect(history.body.items.map(({ type }) => type)).toEqual([
      'order.placed.v1',
      'order.confirmed.v1',
      'order.delivered.v1',
    ]);

    await eventually(async () => {
      const board = await shop.request<{ items: { userId: string }[] }>('GET', '/v1/leaderboards/spend', customer);
      expect(board.body.items).toContainEqual({
        rank: expect.any(Number),
        userId: customer.id,
        name: 'First Customer',
        score: 1000,
      });
      const notifications = await shop.request<{ items: { type: string }[] }>('GET', '/v1/notifications', customer);
      expect(notifications.body.items.map(({ type }) => type)).toEqual(['order.delivered.v1', 'order.confirmed.v1']);
      const folder = join(platform.dataDir, 'mail');
      const mails = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
      const own = mails.filter((mail) => mail.includes(customer.email));
      expect(own).toHaveLength(2);
      for (const mail of own) expect(mail).toMatch(/^Message-ID: <[0-9a-f-]{36}@redstart\.example>$/m);
    });
  });

  it('answers the same key and body with the same order, and refuses another body', async () => {
    const sku = await product(10);
    const { token } = await shop.customer();
    const key = randomUUID();
    const tries = await Promise.all(
      Array.from({ length: 8 }, () => shop.place(token, [{ sku, quantity: 1 }], { key })),
    );
    const stored = tries.filter(({ status }) => status === 201);
    expect(stored.length).toBeGreaterThan(0);
    expect(new Set(stored.map(({ body }) => body.id)).size).toBe(1);
    expect(tries.every(({ status }) => status === 201 || status === 409)).toBe(true);
    const again = await shop.place(token, [{ sku, quantity: 1 }], { key });
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.body.id).toBe(stored[0]!.body.id);
    const other = await shop.place(token, [{ sku, quantity: 2 }], { key });
    expect(other.status).toBe(422);
    await shop.settled(token, again.body.id);
    expect(await shop.stock(sku)).toBe(9);
  });

  it('of 100 buyers for the last 10 items at once confirms 10 and rejects 90, and charges nobody else', async () => {
    const sku = await product(10);
    const before = await records.ledger();
    const buyers: string[] = [];
    for (let i = 0; i < 100; i += 1) {
      const body = { email: `${randomUUID()}@customers.example`, password: 'a long password', name: `Buyer ${i}` };
      const made = await shop.request<{ id: string }>('POST', '/v1/users', { token: adminToken, body });
      buyers.push(made.body.id);
    }
    const placed = await Promise.all(
      buyers.map((onBehalfOf) => shop.place(adminToken, [{ sku, quantity: 1 }], { onBehalfOf })),
    );
    expect(placed.map(({ status }) => status)).toEqual(buyers.map(() => 201));
    const orders = await Promise.all(placed.map(({ body }) => shop.settled(adminToken, body.id)));
    const outcomes = orders.map(({ status, reason }) => [status, reason].filter(Boolean).join(' ')).sort();
    expect(outcomes).toEqual([
      ...Array.from({ length: 10 }, () => 'delivered'),
      ...Array.from({ length: 90 }, () => 'rejected OUT_OF_STOCK'),
    ]);
    expect(await shop.stock(sku)).toBe(0);
    const after = await records.ledger();
    expect({ charges: after.charges - before.charges, refunds: after.refunds - before.refunds }).toEqual({
      charges: 10,
      refunds: 0,
    });
  });

  it('is rejected when the payment is refused, and gives its stock back', async () => {
    const sku = await product(10, 60_000_000);
    const { token } = await shop.customer();
    const { body } = await shop.place(token, [{ sku, quantity: 2 }]);
    const order = await shop.settled(token, body.id);
    expect(order).toMatchObject({ status: 'rejected', reason: 'PAYMENT_REFUSED' });
    expect(await shop.stock(sku)).toBe(10);
    const cancel = await shop.request('POST', `/v1/orders/${order.id}/cancel`, { token, body: {} });
    expect(cancel).toMatchObject({ status: 409, body: { code: 'ORDER_NOT_CANCELLABLE' } });
  });

  it('is cancelled after delivery: refund, stock, board', async () => {
    const sku = await product(5);
    const customer = await shop.customer();
    const { body } = await shop.place(customer.token, [{ sku, quantity: 5 }]);
    await shop.settled(customer.token, body.id, { states: ['delivered'] });
    const before = await records.ledger();
    const cancel = () =>
      shop.request('POST', `/v1/orders/${body.id}/cancel`, { token: customer.token, body: { reason: 'WRONG_SIZE' } });
    expect(await cancel()).toMatchObject({ status: 200, body: { status: 'cancelled', reason: 'WRONG_SIZE' } });
    expect(await cancel()).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    await eventually(async () => {
      expect((await records.ledger()).refunds).toBe(before.refunds + 1);
      expect(await shop.stock(sku)).toBe(5);
      const board = await shop.request<{ items: { userId: string }[] }>(
        'GET',
        '/v1/leaderboards/spend?limit=100',
        customer,
      );
      expect(board.body.items.map(({ userId }) => userId)).not.toContain(customer.id);
      expect((await records.effects()).get(body.id)?.at(-1)).toBe('order.cancelled.v1');
    });
  });

  it('placed by an administrator says so, and is the customer’s', async () => {
    const sku = await product(5);
    const customer = await shop.customer();
    const placed = await shop.place(adminToken, [{ sku, quantity: 1 }], { onBehalfOf: customer.id });
    expect(placed.body).toMatchObject({ userId: customer.id, placedBy: expect.any(String) });
    const own = await shop.request<{ items: { id: string }[] }>('GET', '/v1/orders', customer);
    expect(own.body.items.map(({ id }) => id)).toEqual([placed.body.id]);
    const refused = await shop.place(customer.token, [{ sku, quantity: 1 }], { onBehalfOf: customer.id });
    expect(refused.status).toBe(403);
  });

  it('of another is not found, and lists come in pages', async () => {
    const sku = await product(10);
    const [customer, other] = await Promise.all([shop.customer(), shop.customer()]);
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) ids.push((await shop.place(customer.token, [{ sku, quantity: 1 }])).body.id);
    for (const path of ['', '/events']) {
      expect((await shop.request('GET', `/v1/orders/${ids[0]}${path}`, other)).status).toBe(404);
    }
    const cancel = await shop.request('POST', `/v1/orders/${ids[0]}/cancel`, { token: other.token, body: {} });
    expect(cancel).toMatchObject({ status: 404, body: { code: 'ORDER_NOT_FOUND' } });
    type Listed = { items: { id: string }[]; nextCursor?: string };
    const first = await shop.request<Listed>('GET', '/v1/orders?limit=2', customer);
    const second = await shop.request<Listed>('GET', `/v1/orders?limit=2&cursor=${first.body.nextCursor}`, customer);
    const seen = [...first.body.items, ...second.body.items].map(({ id }) => id);
    expect(seen).toEqual([...ids].reverse());
    expect(second.body.nextCursor).toBeUndefined();
  });
});
