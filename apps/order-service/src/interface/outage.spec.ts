import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { catalogueRpc, ordersRpc, usersRpc } from '@redstart/messages';
import { bodyHash } from '@redstart/postgres-adapters';
import { parseAddresses, RpcCaller, startService, type StartedService } from '@redstart/service-kit';
import { startPostgres, type PostgresServer } from '@redstart/test-servers';
import { randomUUID } from 'node:crypto';
import { demoCustomer, orderService } from '../module.js';

const MAX_MS = 10_000;

let postgres: PostgresServer;
let service: StartedService;
let caller: RpcCaller;
beforeAll(async () => {
  postgres = await startPostgres();
  const env = { DATABASE_URL: postgres.url, REDIS_URL: 'memory:', SEED_DEMO: 'true' };
  service = await startService(orderService, { env: { ...env, PORT: '0', RPC_PORT: '0', LOG_LEVEL: 'silent' } });
  const addresses = parseAddresses(`tcp://127.0.0.1:${service.rpcPort}`);
  caller = new RpcCaller({ name: 'order-service', addresses, timeoutMs: MAX_MS });
}, 60_000);
afterAll(async () => {
  caller.close();
  await service.close();
  await postgres.remove();
});

describe('while PostgreSQL is away', () => {
  it('answers what is cached, marked stale; refuses the rest for now; and goes on by itself', async () => {
    const sku = demoCustomer.sku;
    const [user] = await caller.call(usersRpc.findByEmail, { email: demoCustomer.email });
    const lines = [{ sku, quantity: 1 }];
    const place = (idempotencyKey = randomUUID()) =>
      caller.call(ordersRpc.place, { userId: user!.id, idempotencyKey, bodyHash: bodyHash({ lines }), lines });
    const { product } = await caller.call(catalogueRpc.get, { sku });
    await postgres.stop();

    const key = randomUUID();
    await expect(place(key)).rejects.toMatchObject({
      problem: { status: 503, code: 'UNAVAILABLE', retryAfterMs: expect.any(Number) },
    });
    await expect(caller.call(catalogueRpc.list, { limit: 1 })).rejects.toMatchObject({ problem: { status: 503 } });
    const ready = await fetch(`${service.httpUrl}/health/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([503, { down: ['postgres'] }]);
    // The cached product must outlive its freshness (5 s) to be stale; real time, since the cache's clock is a server's.
    const until = performance.now() + 8_000;
    let answer = await caller.call(catalogueRpc.get, { sku });
    while (answer.from === 'hit' && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      answer = await caller.call(catalogueRpc.get, { sku });
    }
    expect(answer).toEqual({ product, from: 'stale' });

    await postgres.restart();
    const untilBack = performance.now() + 10_000;
    let placed = await place(key).catch(() => undefined);
    while (!placed && performance.now() < untilBack) placed = await place(key).catch(() => undefined);
    expect(placed).toMatchObject({ status: 201, replayed: false });
    expect((await fetch(`${service.httpUrl}/health/ready`)).status).toBe(200);
  }, 60_000);
});
