import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { openGateway, type Asked, type OpenGateway } from './gateway.fixture.js';

describe('the gateway, asked by somebody who means no good', () => {
  let gateway: OpenGateway;
  let token: string;
  beforeEach(async () => {
    gateway = await openGateway();
    ({ token } = await gateway.signUp());
  });
  afterEach(() => gateway.close());

  const place = (body: unknown, headers: Record<string, string> = {}) =>
    gateway.ask('POST', '/v1/orders', { token, body, headers: { 'idempotency-key': randomUUID(), ...headers } });
  const many = (count: number, text: string) => Array.from({ length: count }, () => text).join(',');
  const nested = (depth: number, open: string, close: string) => open.repeat(depth) + '1' + close.repeat(depth);

  it.each([
    ['[]', ''],
    ['null', ''],
    ['1', ''],
    ['"x"', ''],
    ['{"lines":{"length":1}}', 'lines'],
    ['{"lines":[[]]}', 'lines'],
    ['{"lines":[[{"sku":"a","quantity":1}]]}', 'lines'],
    ['{"lines":[{"sku":"a\\u0000","quantity":1}]}', 'lines.0.sku'],
    ['{"lines":[{"sku":"a\\ud800","quantity":1}]}', 'lines.0.sku'],
    ['{"lines":[{"sku":"a","quantity":1e400}]}', 'lines.0.quantity'],
    ['{"lines":[{"sku":"a","quantity":null}]}', 'lines.0.quantity'],
    ['{"hasOwnProperty":1,"lines":[{"sku":"a","quantity":1}]}', 'hasOwnProperty'],
    ['{"__proto__":{"role":"admin"},"lines":[]}', ''],
    ['{"constructor":{"prototype":{"role":"admin"}},"lines":[]}', ''],
    ['{"lines":', ''],
    ['', ''],
  ])('refuses the body %s as malformed', async (body, field) => {
    const answer = await place(body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    const errors = (answer.body['errors'] ?? []) as unknown as { field: string }[];
    expect(errors[0]?.field ?? '').toBe(field);
    expect(answer.headers.get('ratelimit')).toMatch('"minute";r=99');
  });

  it.each([
    ['arrays in arrays', `{"lines":${nested(100_000, '[', ']')}}`],
    ['objects in objects', `{"lines":[${nested(100_000, '{"a":', '}')}]}`],
    ['lines without end', `{"lines":[${many(340_000, '{}')}]}`],
    ['fields without end', `{${Array.from({ length: 60_000 }, (_, i) => `"k${i}":1`).join(',')}}`],
  ])('refuses %s before it costs anything', async (_what, body) => {
    const answer = await place(body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'MALFORMED' } });
    expect((answer.body['errors'] as unknown as object[]).length).toBe(1);
  });

  it.each([
    'limit=',
    'limit=1&limit=2',
    'limit=1.5',
    'limit=101',
    'limit[]=1',
    'cursor=a&cursor=b',
    'cursor=%00',
    '__proto__=1',
    'constructor=1',
    'toString=1',
    'status=',
    'role=admin',
  ])('refuses the query %s', async (query) => {
    expect((await gateway.ask('GET', `/v1/orders?${query}`, { token })).status).toBe(400);
  });

  it('refuses null where a field may be left out, and ends no session for it', async () => {
    for (const body of [{ password: null }, { name: null }, { email: null }]) {
      const answer = await gateway.ask('PATCH', '/v1/users/me', { token, body });
      expect(answer).toMatchObject({ status: 400, body: { code: 'MALFORMED' } });
    }
    expect((await gateway.ask('GET', '/v1/users/me', { token })).status).toBe(200);
    const cancel = `/v1/orders/${randomUUID()}/cancel`;
    expect((await gateway.ask('POST', cancel, { token, body: { reason: null } })).status).toBe(400);
    expect((await gateway.ask('POST', cancel, { token })).status).toBe(200);
  });

  it('charges what it refuses before it knows the route or the body', async () => {
    let addresses = 0;
    const from = (address: string): Asked => ({ headers: { 'x-forwarded-for': address } });
    const charged = async (asked: (asked: Asked) => ReturnType<OpenGateway['ask']>, status: number) => {
      const address = `192.0.2.${(addresses += 1)}`;
      const first = await asked(from(address));
      const second = await asked(from(address));
      expect([first.status, second.status]).toEqual([status, status]);
      expect(first.headers.get('ratelimit')).toMatch('"minute";r=99');
      expect(second.headers.get('ratelimit')).toMatch('"minute";r=98');
    };
    const { ask } = gateway;
    await charged((asked) => ask('POST', '/v1/orders', { ...asked, body: '{' }), 400);
    await charged((asked) => ask('POST', '/v1/orders', { ...asked, body: 'x'.repeat(1_100_000) }), 413);
    await charged(
      (asked) =>
        ask('POST', '/v1/orders', { body: 'a=1', headers: { ...asked.headers, 'content-type': 'text/plain' } }),
      415,
    );
    await charged((asked) => ask('GET', `/v1/${randomUUID()}`, asked), 404);
    await charged((asked) => ask('DELETE', '/v1/orders', asked), 404);
    await charged((asked) => ask('GET', '/v1/orders/not-an-id', { ...asked, token: 'nobody' }), 401);
  });

  it('tells a path that is too long from one that there is not', async () => {
    const long = await gateway.ask('GET', `/v1/products/${'x'.repeat(200)}`);
    expect(long).toMatchObject({ status: 414, body: { code: 'URI_TOO_LONG' } });
    const sku = encodeURIComponent('/'.repeat(64));
    expect((await gateway.ask('GET', `/v1/products/${sku}`)).body).toMatchObject({ sku: '/'.repeat(64) });
  });

  it('counts HEAD as GET, and answers it without a body', async () => {
    const head = await gateway.ask('HEAD', '/v1/users/me', { token });
    expect(head).toMatchObject({ status: 200, body: {} });
    const get = await gateway.ask('GET', '/v1/users/me', { token });
    expect(get.headers.get('ratelimit')).toMatch('"minute";r=98');
  });

  it('charges a login to its address, whatever session comes with it', async () => {
    const admin = await gateway.signUp('admin');
    const guess = (as?: string) =>
      gateway.ask('POST', '/v1/sessions', {
        token: as,
        body: { email: `${randomUUID()}@customers.example`, password: 'guessed' },
        headers: { 'x-forwarded-for': '192.0.2.77' },
      });
    const left = [await guess(), await guess(token), await guess(admin.token)].map(({ status, headers }) => {
      expect(status).toBe(401);
      return /"minute";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
    });
    expect(left).toEqual(['99', '98', '97']);
  });

  it('counts the tries at one account however its address is written', async () => {
    const email = `${randomUUID()}@customers.example`;
    const wide = String.fromCodePoint(
      ...[...email].map((c) => (/[a-z]/.test(c) ? c.codePointAt(0)! + 0xfee0 : c.codePointAt(0)!)),
    );
    const statuses: number[] = [];
    for (let i = 0; i < 22; i += 1) {
      const written = [email, email.toUpperCase(), wide][i % 3];
      statuses.push(
        (await gateway.ask('POST', '/v1/sessions', { body: { email: written, password: 'guessed' } })).status,
      );
    }
    expect(statuses.slice(0, 10).every((status) => status === 401)).toBe(true);
    expect(statuses).toContain(429); // also when the minute turns in between
  });

  it('refuses the cookie from another site, and does not charge the user for it', async () => {
    const cookie = `redstart_session=${token}`;
    for (const origin of ['https://elsewhere.example', 'null']) {
      const forged = await gateway.ask('DELETE', '/v1/sessions/current', { headers: { cookie, origin } });
      expect(forged).toMatchObject({ status: 403, body: { code: 'FOREIGN_ORIGIN' } });
      expect(forged.headers.get('ratelimit')).not.toBeNull();
    }
    const own = await gateway.ask('DELETE', '/v1/sessions/current', { headers: { cookie, origin: gateway.url } });
    expect(own.status).toBe(204);
    expect(own.headers.get('ratelimit')).toMatch('"minute";r=99');
  });

  it('lets only an administrator act for a customer, and only for one who can be', async () => {
    const acting = (as: string, customer: string) =>
      gateway.ask('GET', '/v1/orders', { token: as, headers: { 'on-behalf-of': customer } });
    const admin = await gateway.signUp('admin');
    expect((await acting(token, randomUUID())).status).toBe(403);
    expect((await acting(admin.token, 'nobody')).status).toBe(400);
    expect((await acting(admin.token, `${randomUUID()}, ${randomUUID()}`)).status).toBe(400);
    expect((await acting(admin.token, randomUUID())).status).toBe(200);
    expect((await acting(admin.token, randomUUID())).headers.get('ratelimit')).toBeNull();
  });

  it('says how to authenticate, and serves no other site', async () => {
    const refused = await gateway.ask('GET', '/v1/orders', { headers: { origin: 'https://elsewhere.example' } });
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    expect(refused.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('documents every route, and the problems of each', async () => {
    const { body } = await gateway.ask('GET', '/docs-json');
    const document = body as unknown as {
      paths: Record<string, Record<string, { security?: object[]; responses: Record<string, { content?: object }> }>>;
    };
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.sort()).toEqual([
      'DELETE /v1/sessions/current',
      'GET /v1/leaderboards/{name}',
      'GET /v1/notifications',
      'GET /v1/orders',
      'GET /v1/orders/{id}',
      'GET /v1/orders/{id}/events',
      'GET /v1/products',
      'GET /v1/products/{sku}',
      'GET /v1/sessions/current',
      'GET /v1/users',
      'GET /v1/users/me',
      'GET /v1/users/{id}',
      'PATCH /v1/users/me',
      'POST /v1/orders',
      'POST /v1/orders/{id}/cancel',
      'POST /v1/sessions',
      'POST /v1/users',
      'PUT /v1/products/{sku}',
    ]);
    for (const { responses, security } of Object.values(document.paths).flatMap((path) => Object.values(path))) {
      for (const status of ['400', ...(security ? ['401'] : []), '429', '503', 'default'])
        expect(responses[status]?.content).toHaveProperty(['application/problem+json']);
    }
  });
});
