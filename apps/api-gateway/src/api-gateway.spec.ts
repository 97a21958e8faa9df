import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { openGateway, type OpenGateway } from './edge/interface/gateway.fixture.js';

describe('the gateway, before a stand-in of order-service', () => {
  let gateway: OpenGateway;
  beforeEach(async () => {
    gateway = await openGateway();
  });
  afterEach(() => gateway.close());

  it('charges who has no session by address, also for what it refuses', async () => {
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
    const statuses: number[] = [];
    for (let i = 0; i < 205; i += 1) statuses.push((await gateway.ask('GET', '/v1/orders', from('192.0.2.1'))).status);
    expect(statuses[0]).toBe(401);
    expect(statuses.at(-1)).toBe(429);
    const other = await gateway.ask('GET', '/v1/orders', from('192.0.2.2'));
    expect(other.status).toBe(401);
    expect(other.headers.get('ratelimit-policy')).toMatch('"minute";q=100;w=60');
    expect(other.headers.get('ratelimit')).toMatch('"minute";r=99');
  });

  it('counts for itself while the limiter’s backend is away, but lets nobody log in', async () => {
    const { token, ...credentials } = await gateway.signUp();
    gateway.limiterTrouble.failRate = 1;
    const read = await gateway.ask('GET', '/v1/users/me', { token });
    expect(read.status).toBe(200);
    expect(read.headers.get('ratelimit')).toMatch(/^"minute";r=\d+;t=\d+, "hour"/);
    const login = await gateway.ask('POST', '/v1/sessions', { body: credentials });
    expect(login).toMatchObject({ status: 503, body: { code: 'LIMITS_UNAVAILABLE' } });
    expect(Number(login.headers.get('retry-after'))).toBeGreaterThan(0);
    const statuses: number[] = [];
    for (let i = 0; i < 205; i += 1) statuses.push((await gateway.ask('GET', '/v1/users/me', { token })).status);
    expect(statuses.at(-1)).toBe(429);
  });

  it('repeats a stored answer, a refusal too, and says that it does', async () => {
    const { token } = await gateway.signUp();
    for (const [sku, status] of [
      ['SKU-1', 201],
      ['NO-SUCH', 422],
    ] as const) {
      const place = { token, body: { lines: [{ sku, quantity: 1 }] }, headers: { 'idempotency-key': randomUUID() } };
      const first = await gateway.ask('POST', '/v1/orders', place);
      const again = await gateway.ask('POST', '/v1/orders', place);
      expect([first.status, again.status]).toEqual([status, status]);
      expect([first, again].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true']);
      expect(again.body['id'] ?? again.body['code']).toBe(first.body['id'] ?? first.body['code']);
    }
  });

  it('ends every session of a user whose password changes', async () => {
    const { token, email, password } = await gateway.signUp();
    const other = await gateway.ask('POST', '/v1/sessions', { body: { email, password } });
    const changed = await gateway.ask('PATCH', '/v1/users/me', { token, body: { password: 'another password' } });
    expect(changed.status).toBe(200);
    for (const each of [token, other.body['token']!]) {
      expect((await gateway.ask('GET', '/v1/sessions/current', { token: each })).status).toBe(401);
    }
    expect((await gateway.ask('POST', '/v1/sessions', { body: { email, password: 'another password' } })).status).toBe(
      201,
    );
  });

  it('gives a new token at login, ends the one that came with it, and marks the cookie secure over TLS', async () => {
    const { token, email, password } = await gateway.signUp();
    const headers = { 'x-forwarded-proto': 'https' };
    const again = await gateway.ask('POST', '/v1/sessions', { token, body: { email, password }, headers });
    expect(again.body['token']).not.toBe(token);
    expect(again.headers.get('set-cookie')).toMatch(/; Secure/);
    expect((await gateway.ask('GET', '/v1/sessions/current', { token })).status).toBe(401);
  });

  it('answers 503 with Retry-After while another service is away, leaves other routes be, and says so', async () => {
    const { token } = await gateway.signUp();
    const away = await gateway.ask('GET', '/v1/notifications', { token });
    expect(away).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await gateway.ask('GET', '/v1/users/me', { token })).status).toBe(200);
    for (let i = 0; i < 5; i += 1) await gateway.ask('GET', '/v1/notifications', { token });
    const ready = await gateway.ask('GET', '/health/ready');
    expect(ready).toMatchObject({ status: 200, body: { status: 'degraded', degraded: ['event-streaming'] } });
    await gateway.orderService.close();
    const place = { token, body: { lines: [{ sku: 'X', quantity: 1 }] }, headers: { 'idempotency-key': randomUUID() } };
    expect((await gateway.ask('POST', '/v1/orders', place)).status).toBe(503);
  });
});
