import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { admin, startPlatform, type Platform } from '../platform/platform.js';
import { Records } from '../platform/records.js';
import { Traffic } from '../platform/traffic.js';
import { expectPromisesKept } from './promises.js';

const STOCK = 1_000_000;
const BUYERS = 8;

/** Each point with the hit at which it kills, so that it does so in the middle of other work. */
const points = [
  ['orderService', 'order-service.after-commit-before-reply', 5],
  ['orderService', 'order-service.after-charge', 5],
  ['orderService', 'order-service.after-effect-before-ack', 5],
  ['orderService', 'relay.after-append-before-mark', 3],
  ['eventStreaming', 'event-streaming.before-commit', 5],
  ['eventStreaming', 'event-streaming.after-effect-before-ack', 5],
  ['eventStreaming', 'carrier.after-commit', 3],
  ['eventStreaming', 'mailer.after-send-before-mark', 3],
] as const;

describe('kill -9 while orders come in', () => {
  let platform: Platform;
  let records: Records;
  let traffic: Traffic;
  const sku = 'KILLS';

  beforeAll(async () => {
    platform = await startPlatform();
    records = await Records.open(platform.database.url);
    const { shop } = platform;
    await shop.putProduct(await shop.logIn(admin), sku, { stock: STOCK });
    const buyers = await Promise.all(Array.from({ length: BUYERS }, () => shop.customer()));
    traffic = new Traffic(shop, sku, buyers);
  });
  afterAll(async () => {
    await traffic?.stop();
    await records?.close();
    await platform?.close();
  });

  it.each(points)(
    'of %s at %s, hit %i: it dies there, is started again, and orders go on',
    async (name, point, hit) => {
      const service = platform[name];
      await service.stop();
      await service.start({ FAULT_POINTS: `${point}:${hit}` });
      await service.gone();
      expect(readFileSync(platform.faultLog, 'utf8')).toContain(`${point} ${hit} `);
      await service.start();
      await traffic.accept(BUYERS);
    },
  );

  it('loses nothing, does nothing twice, and keeps the order of each order’s events', async () => {
    await traffic.stop();
    expect(traffic.refused).toEqual([]);
    await expectPromisesKept(platform, records, { accepted: traffic.accepted, sku, stock: STOCK });
  });
});
