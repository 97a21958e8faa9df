import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { admin, startPlatform, type Platform } from '../platform/platform.js';
import { Records } from '../platform/records.js';
import { Traffic } from '../platform/traffic.js';
import { eventually } from '../platform/eventually.js';
import { expectPromisesKept } from './promises.js';

const STOCK = 1_000_000;
const BUYERS = 8;
const OUTAGE_MS = 10_000;

describe('Redis goes while orders come in', () => {
  let platform: Platform;
  let records: Records;
  let traffic: Traffic;
  let early: { token: string; key: string; id: string };
  const sku = 'OUTAGES';

  beforeAll(async () => {
    platform = await startPlatform();
    records = await Records.open(platform.database.url);
    const { shop } = platform;
    await shop.putProduct(await shop.logIn(admin), sku, { stock: STOCK });
    // Sessions made before: during an outage the record has to answer for them.
    const buyers = await Promise.all(Array.from({ length: BUYERS }, () => shop.customer()));
    const [first] = buyers;
    const key = randomUUID();
    const { body } = await shop.place(first!.token, [{ sku, quantity: 1 }], { key });
    early = { token: first!.token, key, id: body.id };
    traffic = new Traffic(shop, sku, buyers);
    await traffic.accept(BUYERS);
  });
  afterAll(async () => {
    await traffic?.stop();
    await records?.close();
    await platform?.close();
  });

  /** The client that never got its answer asks again, with the same key. */
  const askAgain = async () => {
    const again = await platform.shop.place(early.token, [{ sku, quantity: 1 }], { key: early.key });
    expect(again).toMatchObject({ status: 201, body: { id: early.id } });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  };

  /** Orders of sessions made before are accepted while Redis is away, and readiness names what is degraded. */
  const duringOutage = async () => {
    const began = Date.now();
    await eventually(async () => {
      const ready = await fetch(`${platform.gateway.url}/health/ready`);
      expect({ status: ready.status, ...((await ready.json()) as object) }).toMatchObject({
        status: 'degraded',
        degraded: expect.arrayContaining(['limiter', 'session']),
      });
      expect(ready.status).toBe(200);
    });
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + OUTAGE_MS - Date.now())));
    await askAgain();
    const login = await platform.shop.request('POST', '/v1/sessions', { body: admin });
    expect(login.status).toBe(503);
    expect(traffic.accepted.filter(({ at }) => at > began + 1000).length).toBeGreaterThanOrEqual(BUYERS);
  };

  it('stopped for 10 s', async () => {
    await platform.redis.stop();
    await duringOutage();
    await platform.redis.restart();
    await traffic.accept(2 * BUYERS);
    await askAgain();
  });

  it('paused for 10 s', async () => {
    await platform.redis.pause();
    await duringOutage();
    await platform.redis.resume();
    await traffic.accept(2 * BUYERS);
  });

  it('flushed, twice, within a second', async () => {
    await platform.redis.flushAll();
    await traffic.accept(BUYERS);
    await platform.redis.flushAll();
    await traffic.accept(2 * BUYERS);
    await askAgain();
  });

  it('and no accepted order is lost, charged twice, or out of order', async () => {
    await traffic.stop();
    expect(traffic.refused).toEqual([]);
    const accepted = [{ ...early, quantity: 1, at: 0, tries: 1 }, ...traffic.accepted];
    await expectPromisesKept(platform, records, { accepted, sku, stock: STOCK });
  });

  it('while a session is ended: it stays ended when Redis is back', async () => {
    const { shop, redis } = platform;
    const { token } = await shop.customer();
    expect((await shop.request('GET', '/v1/sessions/current', { token })).status).toBe(200);
    await redis.pause();
    expect((await shop.request('DELETE', '/v1/sessions/current', { token })).status).toBe(204);
    expect((await shop.request('GET', '/v1/sessions/current', { token })).status).toBe(401);
    await redis.resume();
    await eventually(async () => {
      const ready = (await (await fetch(`${platform.gateway.url}/health/ready`)).json()) as { status: string };
      expect(ready.status).toBe('ready');
    });
    expect((await shop.request('GET', '/v1/sessions/current', { token })).status).toBe(401);
  });
});
