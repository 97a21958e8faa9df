import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { catalogueRpc, ordersRpc, sessionsRpc, usersRpc, type Order, type User } from '@redstart/messages';
import { bodyHash } from '@redstart/postgres-adapters';
import { parseAddresses, RpcCaller, startService, type StartedService } from '@redstart/service-kit';
import { createDatabase, type TestDatabase } from '@redstart/test-servers';
import { randomUUID } from 'node:crypto';
import { demoCustomer, orderService } from '../module.js';

const admin = { email: 'Admin@Redstart.example', password: 'correct horse' };
const env = (url: string, more: Record<string, string> = {}) => ({
  DATABASE_URL: url,
  REDIS_URL: 'memory:',
  PORT: '0',
  RPC_PORT: '0',
  LOG_LEVEL: 'silent',
  SEED_DEMO: 'true',
  ADMIN_EMAIL: admin.email,
  ADMIN_PASSWORD: admin.password,
  ...more,
});

let database: TestDatabase;
let service: StartedService;
let caller: RpcCaller;
beforeAll(async () => {
  database = await createDatabase();
  service = await startService(orderService, { env: env(database.url) });
  const addresses = parseAddresses(`tcp://127.0.0.1:${service.rpcPort}`);
  caller = new RpcCaller({ name: 'order-service', addresses, timeoutMs: 5000 });
}, 60_000);
afterAll(async () => {
  caller.close();
  await service.close();
  await database.drop();
});

const refusedWith = (status: number, code: string) => ({ problem: expect.objectContaining({ status, code }) });
const newUser = (over: Partial<{ email: string; password: string; name: string }> = {}) =>
  caller.call(usersRpc.create, {
    email: `${randomUUID()}@example.com`,
    password: 'secret 1',
    name: 'Customer',
    ...over,
  });
const asks = (user: User) => ({ userId: user.id, role: user.role });

function place(user: User, lines: { sku: string; quantity: number }[], over: Record<string, unknown> = {}) {
  const request = { userId: user.id, idempotencyKey: randomUUID(), bodyHash: bodyHash({ lines }), lines };
  return caller.call(ordersRpc.place, { ...request, ...over });
}

describe('users over RPC', () => {
  it('makes a user, finds them by id and by any spelling of the address, and says how the cache answered', async () => {
    const email = `${randomUUID()}@Example.com`;
    const user = await newUser({ email: ` ${email} ` });
    expect(user).toEqual({ id: expect.any(String), email: email.toLowerCase(), name: 'Customer', role: 'customer' });
    expect(await caller.call(usersRpc.get, { id: user.id })).toEqual({ user, from: 'miss' });
    expect(await caller.call(usersRpc.get, { id: user.id })).toEqual({ user, from: 'hit' });
    expect(await caller.call(usersRpc.findByEmail, { email: email.toUpperCase() })).toEqual([user]);
    expect(await caller.call(usersRpc.findByEmail, { email: 'nobody@example.com' })).toEqual([]);
  });

  it('gives an address to one of many who ask at once', async () => {
    const email = `${randomUUID()}@example.com`;
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => newUser({ email })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(refusedWith(409, 'EMAIL_TAKEN'));
    }
  });

  it('authenticates by password, and does not tell an unknown address from a wrong password', async () => {
    const user = await newUser({ password: 'secret 1' });
    const { email } = user;
    expect(await caller.call(usersRpc.authenticate, { email, password: 'secret 1' })).toEqual(user);
    const wrong = await caller.call(usersRpc.authenticate, { email, password: 'secret 2' }).catch((error) => error);
    const unknown = await caller
      .call(usersRpc.authenticate, { email: 'nobody@example.com', password: 'secret 1' })
      .catch((error) => error);
    expect(wrong).toMatchObject(refusedWith(401, 'INVALID_CREDENTIALS'));
    expect(unknown.problem).toEqual(wrong.problem);
  });

  it('changes a user, and the cache with them', async () => {
    const user = await newUser();
    await caller.call(usersRpc.get, { id: user.id });
    await caller.call(usersRpc.update, { id: user.id, name: 'Renamed', password: 'another 1' });
    expect((await caller.call(usersRpc.get, { id: user.id })).user.name).toBe('Renamed');
    expect(await caller.call(usersRpc.authenticate, { email: user.email, password: 'another 1' })).toMatchObject({
      id: user.id,
    });
    const other = await newUser();
    await expect(caller.call(usersRpc.update, { id: user.id, email: other.email })).rejects.toMatchObject(
      refusedWith(409, 'EMAIL_TAKEN'),
    );
  });

  it('does not know what is no id, nor whom it never met', async () => {
    for (const id of ['me', randomUUID()])
      await expect(caller.call(usersRpc.get, { id })).rejects.toMatchObject(refusedWith(404, 'USER_NOT_FOUND'));
  });

  it('refuses what is malformed, by field', async () => {
    await expect(newUser({ name: '' })).rejects.toMatchObject({
      problem: { status: 400, code: 'MALFORMED', errors: [{ field: 'name', message: expect.any(String) }] },
    });
    await expect(newUser({ name: 'a\0b' })).rejects.toMatchObject(refusedWith(400, 'MALFORMED'));
  });
});

describe('the record of sessions over RPC', () => {
  const record = (user: User, expiresAt = Date.now() + 60_000) => ({
    id: randomUUID(),
    userId: user.id,
    tokenHash: bodyHash(randomUUID()),
    data: { role: user.role, email: user.email, name: user.name },
    device: 'test',
    createdAt: Date.now(),
    idleMs: 1000,
    expiresAt,
  });

  it('keeps a login until it is revoked, whichever comes first: it, all of them, or its time', async () => {
    const user = await newUser();
    const [one, two, three, past] = [record(user), record(user), record(user), record(user, Date.now() - 1)];
    for (const each of [one, two, three, past]) await caller.call(sessionsRpc.save, each);
    await caller.call(sessionsRpc.save, one);
    const find = async ({ userId, tokenHash }: { userId: string; tokenHash: string }) =>
      (await caller.call(sessionsRpc.find, { userId, tokenHash })).record;
    expect(await find(one)).toEqual(one);
    expect(await find(past)).toBeNull();
    expect(await find({ ...one, userId: (await newUser()).id })).toBeNull();
    expect(await caller.call(sessionsRpc.revoke, one)).toEqual({ status: 'revoked' });
    expect(await caller.call(sessionsRpc.revoke, one)).toEqual({ status: 'none' });
    expect(await find(one)).toBeNull();
    expect(await caller.call(sessionsRpc.revokeAll, { userId: user.id })).toEqual({ revoked: 3 });
    expect(await find(two)).toBeNull();
  });
});

describe('the catalogue over RPC', () => {
  const product = (over: Record<string, unknown> = {}) => ({
    sku: randomUUID(),
    name: 'Thing',
    price: { amount: 250, currency: 'GBP' },
    stock: 3,
    ...over,
  });

  it('makes a product, changes it, and answers the change at once', async () => {
    const made = product();
    expect(await caller.call(catalogueRpc.put, made)).toEqual({ product: made, created: true });
    expect(await caller.call(catalogueRpc.get, { sku: made.sku })).toEqual({ product: made, from: 'miss' });
    expect(await caller.call(catalogueRpc.get, { sku: made.sku })).toEqual({ product: made, from: 'hit' });
    const changed = { ...made, stock: 9 };
    expect(await caller.call(catalogueRpc.put, changed)).toEqual({ product: changed, created: false });
    expect((await caller.call(catalogueRpc.get, { sku: made.sku })).product).toEqual(changed);
  });

  it('keeps skus apart by case', async () => {
    const sku = `a${randomUUID()}`;
    await caller.call(catalogueRpc.put, product({ sku, name: 'lower' }));
    await caller.call(catalogueRpc.put, product({ sku: sku.toUpperCase(), name: 'upper' }));
    expect((await caller.call(catalogueRpc.get, { sku })).product.name).toBe('lower');
  });

  it('pages through all products by sku, each once', async () => {
    const skus: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await caller.call(catalogueRpc.list, { limit: 3, cursor });
      skus.push(...page.items.map(({ sku }) => sku));
      cursor = page.nextCursor;
    } while (cursor);
    expect(skus).toEqual([...new Set(skus)].sort());
    expect(skus).toContain(demoCustomer.sku);
    await expect(caller.call(catalogueRpc.list, { limit: 3, cursor: 'AA' })).rejects.toMatchObject(
      refusedWith(400, 'MALFORMED'),
    );
  });

  it('refuses another currency, a negative price, and a product that is not there', async () => {
    await expect(
      caller.call(catalogueRpc.put, product({ price: { amount: 1, currency: 'EUR' } })),
    ).rejects.toMatchObject(refusedWith(422, 'OTHER_CURRENCY'));
    await expect(
      caller.call(catalogueRpc.put, product({ price: { amount: -1, currency: 'GBP' } })),
    ).rejects.toMatchObject({ problem: { status: 400, errors: [{ field: 'price.amount' }] } });
    await expect(caller.call(catalogueRpc.get, { sku: randomUUID() })).rejects.toMatchObject(
      refusedWith(404, 'UNKNOWN_SKU'),
    );
  });
});

describe('orders over RPC', () => {
  it('places an order in the agreed shape, and answers the stored one when it is asked again', async () => {
    const user = await newUser();
    const lines = [{ sku: demoCustomer.sku, quantity: 2 }];
    const key = { idempotencyKey: randomUUID() };
    const placed = await place(user, lines, key);
    const gbp = (amount: number) => ({ amount, currency: 'GBP' });
    expect(placed).toEqual({
      status: 201,
      replayed: false,
      body: {
        id: expect.any(String),
        userId: user.id,
        status: 'placed',
        lines: [{ ...lines[0], name: expect.any(String), unitPrice: gbp(450), total: gbp(900) }],
        total: gbp(900),
        placedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    });
    expect(await place(user, lines, key)).toEqual({ ...placed, replayed: true });
    await expect(place(user, [{ ...lines[0]!, quantity: 3 }], key)).rejects.toMatchObject(
      refusedWith(422, 'IDEMPOTENCY_KEY_REUSED'),
    );
  });

  it.each([
    [[{ sku: 'no such sku', quantity: 1 }], 'UNKNOWN_SKU', 'lines.0.sku'],
    [[{ sku: demoCustomer.sku, quantity: 0 }], 'QUANTITY_OUT_OF_RANGE', 'lines.0.quantity'],
    [[{ sku: demoCustomer.sku, quantity: 1_000_001 }], 'QUANTITY_OUT_OF_RANGE', 'lines.0.quantity'],
  ])('answers 422 for %j', async (lines, code, field) => {
    const answer = await place(await newUser(), lines);
    expect(answer).toMatchObject({ status: 422, body: { status: 422, code, errors: [{ field }] } });
  });

  it('shows a customer their own orders, newest first, and an administrator all', async () => {
    const [user, other] = [await newUser(), await newUser()];
    const ids: string[] = [];
    for (let i = 0; i < 3; i++)
      ids.unshift(((await place(user, [{ sku: demoCustomer.sku, quantity: 1 }])).body as Order).id);
    const first = await caller.call(ordersRpc.list, { asker: asks(user), limit: 2 });
    const rest = await caller.call(ordersRpc.list, { asker: asks(user), limit: 2, cursor: first.nextCursor });
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(ids);
    expect(rest.nextCursor).toBeUndefined();
    expect((await caller.call(ordersRpc.list, { asker: asks(other), limit: 10 })).items).toEqual([]);
    const id = ids[0]!;
    for (const call of [ordersRpc.get, ordersRpc.events, ordersRpc.cancel]) {
      await expect(caller.call<unknown, unknown>(call, { id, asker: asks(other) })).rejects.toMatchObject(
        refusedWith(404, 'ORDER_NOT_FOUND'),
      );
    }
    const [root] = await caller.call(usersRpc.findByEmail, { email: admin.email });
    expect((await caller.call(ordersRpc.get, { id, asker: asks(root!) })).userId).toBe(user.id);
    await expect(caller.call(ordersRpc.get, { id: '42', asker: asks(user) })).rejects.toMatchObject(
      refusedWith(404, 'ORDER_NOT_FOUND'),
    );
  });

  it('cancels with 200 twice, and tells why in the order and in its events', async () => {
    const user = await newUser();
    const { id } = (await place(user, [{ sku: demoCustomer.sku, quantity: 1 }])).body as Order;
    const cancelled = await caller.call(ordersRpc.cancel, { id, asker: asks(user), reason: 'TOO_LATE' });
    expect(cancelled).toMatchObject({ id, status: 'cancelled', reason: 'TOO_LATE' });
    expect(await caller.call(ordersRpc.cancel, { id, asker: asks(user) })).toEqual(cancelled);
    const { items } = await caller.call(ordersRpc.events, { id, asker: asks(user) });
    expect(items[0]).toMatchObject({ type: 'order.placed.v1' });
    expect(items.at(-1)).toMatchObject({ type: 'order.cancelled.v1', reason: 'TOO_LATE' });
    expect(
      (await caller.call(ordersRpc.list, { asker: asks(user), status: 'cancelled', limit: 5 })).items,
    ).toHaveLength(1);
    expect((await caller.call(ordersRpc.list, { asker: asks(user), status: 'placed', limit: 5 })).items).toEqual([]);
  });
});

describe('the service as a whole', () => {
  it('is ready, and seeded its administrator and demo customer', async () => {
    const answer = await fetch(`${service.httpUrl}/health/ready`);
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready', degraded: [], down: [] }]);
    expect(await caller.call(usersRpc.authenticate, admin)).toMatchObject({ role: 'admin' });
    const { email, password } = demoCustomer;
    expect(await caller.call(usersRpc.authenticate, { email, password })).toMatchObject({ role: 'customer' });
  });

  it('takes a new administrator’s password at the next start, and puts back no demo stock that was sold', async () => {
    const { product } = await caller.call(catalogueRpc.get, { sku: demoCustomer.sku });
    await caller.call(catalogueRpc.put, { ...product, stock: 1 });
    const second = await startService(orderService, { env: env(database.url, { ADMIN_PASSWORD: 'battery staple' }) });
    try {
      const authenticate = (password: string) => caller.call(usersRpc.authenticate, { email: admin.email, password });
      await expect(authenticate(admin.password)).rejects.toMatchObject(refusedWith(401, 'INVALID_CREDENTIALS'));
      expect(await authenticate('battery staple')).toMatchObject({ role: 'admin' });
      expect((await caller.call(catalogueRpc.get, { sku: demoCustomer.sku })).product.stock).toBe(1);
    } finally {
      await second.close();
    }
  }, 30_000);

  it('does not start on a wrong setting, and names all of them', async () => {
    const wrong = { DATABASE_URL: 'mysql://x', REDIS_URL: 'memory:', CURRENCY: 'pounds', ADMIN_EMAIL: 'nobody' };
    await expect(startService(orderService, { env: wrong })).rejects.toThrow(/DATABASE_URL[^]*CURRENCY[^]*ADMIN_EMAIL/);
    const half = { DATABASE_URL: database.url, REDIS_URL: 'memory:', ADMIN_EMAIL: 'a@example.com' };
    await expect(startService(orderService, { env: half })).rejects.toThrow(/ADMIN_PASSWORD is missing.*both or none/);
  });
});
