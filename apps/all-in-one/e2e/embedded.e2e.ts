import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, freePort, type TestDatabase } from '@redstart/test-servers';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './platform/eventually.js';
import { admin } from './platform/platform.js';
import { Records } from './platform/records.js';
import { ServiceProcess } from './platform/service-process.js';
import { ShopClient } from './platform/shop-client.js';

describe('the platform in one process, on memory and PostgreSQL', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'redstart-embedded-'));
  let database: TestDatabase;
  let records: Records;
  let platform: ServiceProcess;
  let shop: ShopClient;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    database = await createDatabase();
    const port = await freePort();
    env = {
      NODE_ENV: 'test',
      LOG_LEVEL: 'warn',
      PORT: String(port),
      REDIS_URL: 'memory:',
      DATABASE_URL: database.url,
      DATA_DIR: dataDir,
      ADMIN_EMAIL: admin.email,
      ADMIN_PASSWORD: admin.password,
      DELIVERY_DELAY_MS: '2000',
    };
    platform = new ServiceProcess('all-in-one', `http://127.0.0.1:${port}`, env);
    await platform.start();
    records = await Records.open(database.url);
    shop = new ShopClient(platform.url);
  });
  afterAll(async () => {
    await platform?.stop();
    await records?.close();
    await database?.drop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('killed between 201 and delivered, and started again, delivers: stock taken once, one charge, no mail lost', async () => {
    const adminToken = await shop.logIn(admin);
    await shop.putProduct(adminToken, 'EMBEDDED', { stock: 10 });
    const customer = await shop.customer();
    const { status, body } = await shop.place(customer.token, [{ sku: 'EMBEDDED', quantity: 3 }]);
    expect(status).toBe(201);
    await platform.kill();
    await platform.start();

    // The session was lost with the memory; its record was not.
    const order = await shop.settled(customer.token, body.id);
    expect(order.status).toBe('delivered');
    expect(await shop.stock('EMBEDDED')).toBe(7);
    expect(await records.ledger()).toMatchObject({ charges: 1, refunds: 0 });
    await eventually(() =>
      expect(readdirSync(join(dataDir, 'mail')).filter((file) => file.endsWith('.eml'))).toHaveLength(2),
    );
    const board = await shop.request('GET', '/v1/leaderboards/spend', customer);
    expect(board.body).toMatchObject({ items: [{ userId: customer.id, score: 750 }] });
  });

  it('ends at SIGTERM by itself, with what it holds finished or handed back', async () => {
    await platform.stop();
    expect(platform.running).toBe(false);
    await platform.start();
  });

  it.each([
    [
      'a taken port',
      (): NodeJS.ProcessEnv => ({ PORT: new URL(platform.url).port }),
      /port \d+ .* is taken .*set PORT/,
    ],
    [
      'no Redis',
      (): NodeJS.ProcessEnv => ({ PORT: '0', REDIS_URL: '' }),
      /REDIS_URL is missing: set redis:\/\/.*memory:/,
    ],
    ['wrong settings', (): NodeJS.ProcessEnv => ({ PORT: 'many', LOG_LEVEL: 'loud' }), /PORT: [^]*LOG_LEVEL: /],
  ])('refuses to start with %s, and says what to do', async (_what, extra, message) => {
    const second = new ServiceProcess('all-in-one', 'http://127.0.0.1:9', { ...env, ...extra() });
    await expect(second.start()).rejects.toThrow(message);
    expect(second.running).toBe(false);
    expect(second.output.join('\n')).not.toMatch(/^\s+at /m);
  });
});
