import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryBackend } from '@redstart/memory-adapters';
import type { Adapters } from '@redstart/ports';
import { faulty } from '@redstart/ports/contracts';
import { startService, type StartedService } from '@redstart/service-kit';
import { randomUUID } from 'node:crypto';
import { orderServiceStandIn } from './edge/interface/order-service.fixture.js';
import { apiGateway } from './module.js';

describe('the gateway, before a stand-in of order-service', () => {
  const env = { REDIS_URL: 'memory:', PORT: '0', LOG_LEVEL: 'silent', TRUST_PROXY: 'on' };
  const trouble = { failRate: 0 };
  let orderService: StartedService;
  let gateway: StartedService;

  beforeEach(async () => {
    trouble.failRate = 0;
    const backend = new MemoryBackend();
    orderService = await startService(orderServiceStandIn, { env });
    gateway = await startService(apiGateway, {
      env: {
        ...env,
        ORDER_SERVICE_URL: `tcp://127.0.0.1:${orderService.rpcPort}`,
        EVENT_STREAMING_URL: 'tcp://127.0.0.1:9',
      },
      openAdapters: async (settings): Promise<Adapters> => {
        const adapters = backend.open(settings);
        return Object.assign(Object.create(adapters) as Adapters, { limiter: faulty(adapters.limiter, trouble) });
      },
    });
  });
  afterEach(async () => {
    await gateway.close();
    await orderService.close();
  });

  const ask = async (method: string, path: string, { token, body, headers }: Asked = {}) => {
    const answer = await fetch(`${gateway.httpUrl}${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: (text ? JSON.parse(text) : {}) as Record<string, string>,
    };
  };
  interface Asked {
    token?: string;
    body?: unknown;
    headers?: Record<string, string>;
  }
  const signUp = async () => {
    const credentials = { email: `${randomUUID()}@customers.example`, password: 'a long password' };
    await ask('POST', '/v1/users', { body: { ...credentials, name: 'Customer' } });
    const { body } = await ask('POST', '/v1/sessions', { body: credentials });
    return { ...credentials, token: body['token']! };
  };

  it('charges who has no session by address, also for what it refuses', async () => {
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
    const statuses: number[] = [];
    for (let i = 0; i < 205; i += 1) statuses.push((await ask('GET', '/v1/orders', from('192.0.2.1'))).status);
    expect(statuses[0]).toBe(401);
    expect(statuses.at(-1)).toBe(429);
    const other = await ask('GET', '/v1/orders', from('192.0.2.2'));
    expect(other.status).toBe(401);
    expect(other.headers.get('ratelimit-policy')).toMatch('"minute";q=100;w=60');
    expect(other.headers.get('ratelimit')).toMatch('"minute";r=99');
  });

  it('counts for itself while the limiter’s backend is away, but lets nobody log in', async () => {
    const { token, ...credentials } = await signUp();
    trouble.failRate = 1;
    const read = await ask('GET', '/v1/users/me', { token });
    expect(read.status).toBe(200);
    expect(read.headers.get('ratelimit')).toMatch(/^"minute";r=\d+;t=\d+, "hour"/);
    const login = await ask('POST', '/v1/sessions', { body: credentials });
    expect(login).toMatchObject({ status: 503, body: { code: 'LIMITS_UNAVAILABLE' } });
    expect(Number(login.headers.get('retry-after'))).toBeGreaterThan(0);
    const statuses: number[] = [];
    for (let i = 0; i < 205; i += 1) statuses.push((await ask('GET', '/v1/users/me', { token })).status);
    expect(statuses.at(-1)).toBe(429);
  });

  it('repeats a stored answer, a refusal too, and says that it does', async () => {
    const { token } = await signUp();
    for (const [sku, status] of [
      ['SKU-1', 201],
      ['NO-SUCH', 422],
    ] as const) {
      const place = { token, body: { lines: [{ sku, quantity: 1 }] }, headers: { 'idempotency-key': randomUUID() } };
      const first = await ask('POST', '/v1/orders', place);
      const again = await ask('POST', '/v1/orders', place);
      expect([first.status, again.status]).toEqual([status, status]);
      expect([first, again].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true']);
      expect(again.body['id'] ?? again.body['code']).toBe(first.body['id'] ?? first.body['code']);
    }
  });

  it('ends every session of a user whose password changes', async () => {
    const { token, email, password } = await signUp();
    const other = await ask('POST', '/v1/sessions', { body: { email, password } });
    const changed = await ask('PATCH', '/v1/users/me', { token, body: { password: 'another password' } });
    expect(changed.status).toBe(200);
    for (const each of [token, other.body['token']!]) {
      expect((await ask('GET', '/v1/sessions/current', { token: each })).status).toBe(401);
    }
    expect((await ask('POST', '/v1/sessions', { body: { email, password: 'another password' } })).status).toBe(201);
  });

  it('gives a new token at login, ends the one that came with it, and marks the cookie secure over TLS', async () => {
    const { token, email, password } = await signUp();
    const headers = { 'x-forwarded-proto': 'https' };
    const again = await ask('POST', '/v1/sessions', { token, body: { email, password }, headers });
    expect(again.body['token']).not.toBe(token);
    expect(again.headers.get('set-cookie')).toMatch(/; Secure/);
    expect((await ask('GET', '/v1/sessions/current', { token })).status).toBe(401);
  });

  it('answers 503 with Retry-After while another service is away, leaves other routes be, and says so', async () => {
    const { token } = await signUp();
    const away = await ask('GET', '/v1/notifications', { token });
    expect(away).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask('GET', '/v1/users/me', { token })).status).toBe(200);
    for (let i = 0; i < 5; i += 1) await ask('GET', '/v1/notifications', { token });
    const ready = await ask('GET', '/health/ready');
    expect(ready).toMatchObject({ status: 200, body: { status: 'degraded', degraded: ['event-streaming'] } });
    await orderService.close();
    const place = { token, body: { lines: [{ sku: 'X', quantity: 1 }] }, headers: { 'idempotency-key': randomUUID() } };
    expect((await ask('POST', '/v1/orders', place)).status).toBe(503);
  });
});
