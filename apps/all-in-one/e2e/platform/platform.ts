import { createDatabase, freePort, startRedis, type RedisServer, type TestDatabase } from '@redstart/test-servers';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceProcess } from './service-process.js';
import { ShopClient } from './shop-client.js';

export const admin = { email: 'admin@redstart.example', password: 'only for this test' };

/** Each service its own process, on a private Redis and a database of its own. */
export interface Platform {
  redis: RedisServer;
  database: TestDatabase;
  dataDir: string;
  /** The file that says which fault points were hit. */
  faultLog: string;
  orderService: ServiceProcess;
  eventStreaming: ServiceProcess;
  gateway: ServiceProcess;
  shop: ShopClient;
  close(): Promise<void>;
}

export async function startPlatform(settings: NodeJS.ProcessEnv = {}): Promise<Platform> {
  const dataDir = mkdtempSync(join(tmpdir(), 'redstart-e2e-'));
  const faultLog = join(dataDir, 'fault-points.log');
  const [redis, database] = await Promise.all([startRedis(), createDatabase()]);
  const ports: Record<string, number> = {};
  for (const name of ['order', 'orderRpc', 'event', 'eventRpc', 'gateway']) ports[name] = await freePort();
  const common = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    REDIS_URL: redis.url,
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    FAULT_LOG: faultLog,
    DELIVERY_DELAY_MS: '200',
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    ...settings,
  };
  const service = (app: string, port: number, env: NodeJS.ProcessEnv) =>
    new ServiceProcess(app, `http://127.0.0.1:${port}`, { ...common, PORT: String(port), ...env });
  const orderService = service('order-service', ports['order']!, { RPC_PORT: String(ports['orderRpc']) });
  const eventStreaming = service('event-streaming', ports['event']!, { RPC_PORT: String(ports['eventRpc']) });
  const gateway = service('api-gateway', ports['gateway']!, {
    ORDER_SERVICE_URL: `tcp://127.0.0.1:${ports['orderRpc']}`,
    EVENT_STREAMING_URL: `tcp://127.0.0.1:${ports['eventRpc']}`,
  });
  const all = [orderService, eventStreaming, gateway];
  const close = async () => {
    await Promise.all(all.map((each) => each.stop()));
    await redis.resume().catch(() => undefined);
    await redis.stop();
    await database.drop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    await Promise.all(all.map((each) => each.start()));
  } catch (error) {
    await close();
    throw error;
  }
  const shop = new ShopClient(gateway.url);
  return { redis, database, dataDir, faultLog, orderService, eventStreaming, gateway, shop, close };
}
