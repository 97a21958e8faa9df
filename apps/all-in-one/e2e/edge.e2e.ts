import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { admin, startPlatform, type Platform } from './platform/platform.js';
import type { ShopClient } from './platform/shop-client.js';

describe('the gateway', () => {
  let platform: Platform;
  let shop: ShopClient;
  let adminToken: string;
  let customer: Awaited<ReturnType<ShopClient['customer']>>;
  const sku = `SKU-${randomUUID()}`;

  beforeAll(async () => {
    platform = await startPlatform();
    shop = platform.shop;
    adminToken = await shop.logIn(admin);
    await shop.putProduct(adminToken, sku, { stock: 1_000_000 });
    customer = await shop.customer('Second Customer');
  });
  afterAll(async () => {
    await platform?.close();
  });

  it('answers wrong requests with a problem that says what to do', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const post = (body: unknown, headers: Record<string, string> = key) =>
      shop.request('POST', '/v1/orders', { token: customer.token, body, headers });
    const lines = [{ sku, quantity: 1 }];
    const cases: [string, ReturnType<typeof post>, number, string][] = [
      ['a body that is no JSON', post('{"lines":'), 400, 'BAD_REQUEST'],
      ['a body without lines', post({}), 400, 'MALFORMED'],
      ['no lines', post({ lines: [] }), 400, 'MALFORMED'],
      ['more than 1,000 lines', post({ lines: Array.from({ length: 1001 }, () => lines[0]) }), 400, 'MALFORMED'],
      ['an unknown field', post({ lines, coupon: 'FREE' }), 400, 'MALFORMED'],
      ['a quantity that is no number', post({ lines: [{ sku, quantity: '1' }] }), 400, 'MALFORMED'],
      ['a quantity that is no whole number', post({ lines: [{ sku, quantity: 1.5 }] }), 400, 'MALFORMED'],
      ['no Idempotency-Key', post({ lines }, {}), 400, 'MALFORMED'],
      ['an unknown sku', post({ lines: [{ sku: 'NO-SUCH', quantity: 1 }] }, {}), 400, 'MALFORMED'],
      [
        'half a character',
        shop.request('POST', '/v1/users', { body: '{"email":"a@b.example","password":"12345678","name":"x\\ud800"}' }),
        400,
        'MALFORMED',
      ],
      ['a body above 1 MiB', post({ lines, x: 'x'.repeat(1_100_000) }), 413, 'BODY_TOO_LARGE'],
    ];
    for (const [what, asked, status, code] of cases) {
      const answer = await asked;
      expect({ what, status: answer.status, code: answer.body['code'] }).toEqual({ what, status, code });
      expect(answer.headers.get('content-type')).toMatch('application/problem+json');
      expect(answer.body).toMatchObject({ type: 'about:blank', title: expect.any(String), detail: expect.any(String) });
    }
    const fields = (await post({ lines: [{ sku: 5, quantity: 'x' }] })).body['errors'] as { field: string }[];
    expect(fields.map(({ field }) => field)).toEqual(['lines.0.sku', 'lines.0.quantity']);
  });

  it('refuses what is well-formed but cannot be with 422, and places nothing', async () => {
    const refused = (lines: unknown) =>
      shop.request('POST', '/v1/orders', {
        token: customer.token,
        body: { lines },
        headers: { 'idempotency-key': randomUUID() },
      });
    expect(await refused([{ sku: 'NO-SUCH', quantity: 1 }])).toMatchObject({
      status: 422,
      body: { code: 'UNKNOWN_SKU' },
    });
    for (const quantity of [0, -1, 1_000_001]) {
      expect(await refused([{ sku, quantity }])).toMatchObject({
        status: 422,
        body: { code: 'QUANTITY_OUT_OF_RANGE' },
      });
    }
    const body = { name: 'x', price: { amount: 1, currency: 'USD' }, stock: 1 };
    const other = await shop.request('PUT', '/v1/products/USD-1', { token: adminToken, body });
    expect(other).toMatchObject({ status: 422, body: { code: 'OTHER_CURRENCY' } });
    expect((await shop.request<{ items: unknown[] }>('GET', '/v1/orders', customer)).body.items).toEqual([]);
  });

  it('tells no session (401), wrong role (403), another user (403), nothing there (404), taken (409) apart', async () => {
    expect(await shop.request('GET', '/v1/orders')).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect((await shop.request('GET', '/v1/orders', { token: `${customer.id}.nonsense` })).status).toBe(401);
    const put = { name: 'x', price: { amount: 1, currency: 'GBP' }, stock: 1 };
    expect((await shop.request('PUT', `/v1/products/${sku}`, { token: customer.token, body: put })).status).toBe(403);
    const { id } = await shop.customer();
    expect((await shop.request('GET', `/v1/users/${id}`, customer)).status).toBe(403);
    expect((await shop.request('GET', `/v1/users/${id}`, { token: adminToken })).status).toBe(200);
    expect((await shop.request('GET', '/v1/no-such-route', customer)).status).toBe(404);
    expect((await shop.request('GET', '/v1/products/NO-SUCH')).status).toBe(404);
    expect((await shop.request('GET', `/v1/orders/${randomUUID()}`, customer)).status).toBe(404);
    expect((await shop.request('GET', '/v1/leaderboards/no-such', customer)).status).toBe(404);
    const taken = { email: customer.email.toUpperCase(), password: 'a long password', name: 'x' };
    expect(await shop.request('POST', '/v1/users', { body: taken })).toMatchObject({
      status: 409,
      body: { code: 'EMAIL_TAKEN' },
    });
    const wrong = { email: customer.email, password: 'not the password' };
    expect(await shop.request('POST', '/v1/sessions', { body: wrong })).toMatchObject({
      status: 401,
      body: { code: 'INVALID_CREDENTIALS' },
    });
  });

  it('keeps a session until it is ended, by header or cookie, and refuses the cookie from another site', async () => {
    const { email, password } = customer;
    const login = await shop.request<{ token: string }>('POST', '/v1/sessions', { body: { email, password } });
    expect(login).toMatchObject({ status: 201, body: { expiresAt: expect.any(String), user: { email } } });
    const setCookie = login.headers.get('set-cookie') ?? '';
    expect(setCookie).toMatch(/HttpOnly/);
    expect(setCookie).toMatch(/SameSite=Lax/);
    const cookie = setCookie.split(';')[0]!;
    const current = await shop.request('GET', '/v1/sessions/current', { headers: { cookie } });
    expect(current).toMatchObject({ status: 200, body: { user: { email, role: 'customer' } } });
    const foreign = { cookie, origin: 'https://elsewhere.example' };
    expect((await shop.request('DELETE', '/v1/sessions/current', { headers: foreign })).status).toBe(403);
    const own = { cookie, origin: shop.url };
    expect((await shop.request('DELETE', '/v1/sessions/current', { headers: own })).status).toBe(204);
    expect((await shop.request('GET', '/v1/sessions/current', { token: login.body.token })).status).toBe(401);
  });

  it('shows how a user was read, and what was changed at once', async () => {
    const { id, token } = customer;
    const read = () => shop.request('GET', `/v1/users/${id}`, { token });
    await read();
    expect((await read()).headers.get('x-cache')).toBe('hit');
    const renamed = await shop.request('PATCH', '/v1/users/me', { token, body: { name: 'Renamed Customer' } });
    expect(renamed).toMatchObject({ status: 200, body: { name: 'Renamed Customer' } });
    expect((await read()).body).toMatchObject({ id, name: 'Renamed Customer', role: 'customer' });
    const found = await shop.request('GET', `/v1/users?email=${customer.email}`, { token: adminToken });
    expect(found.body).toMatchObject({ items: [{ id }] });
  });

  it('limits each customer on each route by the minute and the hour, in one step, and says so', async () => {
    const { token } = await shop.customer();
    const read = () => shop.request('GET', '/v1/users/me', { token });
    const first = await read();
    expect(first.headers.get('ratelimit-policy')).toBe('"minute";q=100;w=60, "hour";q=1000;w=3600');
    expect(first.headers.get('ratelimit')).toMatch(/^"minute";r=99;t=\d+, "hour";r=999;t=\d+$/);
    const more = await Promise.all(Array.from({ length: 110 }, read));
    const refused = more.filter(({ status }) => status === 429);
    // The minute may turn meanwhile; then a new window has begun.
    expect(refused.length).toBeLessThanOrEqual(11);
    const last =
      refused[0] ?? (await Promise.all(Array.from({ length: 101 }, read))).find(({ status }) => status === 429);
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(last?.body).toMatchObject({ code: 'LIMITED' });
    expect((await shop.request('GET', '/v1/orders', { token })).status).toBe(200);
    expect((await shop.request('GET', '/v1/users/me', { token: adminToken })).headers.get('ratelimit')).toBeNull();
  });

  it('lets nobody try passwords of an account', async () => {
    const { email } = await shop.customer();
    const statuses: number[] = [];
    for (let i = 0; i < 22; i += 1) {
      statuses.push((await shop.request('POST', '/v1/sessions', { body: { email, password: `guess ${i}` } })).status);
    }
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(2);
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(20);
  });

  it('documents itself', async () => {
    const { body } = await shop.request<{ paths: Record<string, unknown> }>('GET', '/docs-json');
    expect(Object.keys(body.paths).sort()).toEqual([
      '/v1/leaderboards/{name}',
      '/v1/notifications',
      '/v1/orders',
      '/v1/orders/{id}',
      '/v1/orders/{id}/cancel',
      '/v1/orders/{id}/events',
      '/v1/products',
      '/v1/products/{sku}',
      '/v1/sessions',
      '/v1/sessions/current',
      '/v1/users',
      '/v1/users/me',
      '/v1/users/{id}',
    ]);
  });

  it('is ready, and tells each service’s health', async () => {
    for (const { url } of [platform.gateway, platform.orderService, platform.eventStreaming]) {
      expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({ status: 'ready', degraded: [], down: [] });
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('process_cpu_seconds_total');
    }
  });
});
