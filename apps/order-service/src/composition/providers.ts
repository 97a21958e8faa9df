import type { Provider } from '@nestjs/common';
import { Clock, type PortName } from '@redstart/ports';
import { FaultPoints, type ServiceContext } from '@redstart/service-kit';
import { Catalogue } from '../catalogue/application/catalogue.js';
import { CancelOrder } from '../orders/application/cancel-order.js';
import { PlaceOrder } from '../orders/application/place-order.js';
import { ReadOrders } from '../orders/application/read-orders.js';
import { SessionRecordsStore } from '../sessions/application/session-records-store.js';
import { seedUser } from '../users/application/seed-user.js';
import { Users } from '../users/application/users.js';
import { openAdapters } from './adapters.js';
import { startBackground } from './background.js';
import { seedDemo } from './demo.js';
import { openOrderPlatform } from './order-platform.js';
import type { OrderServiceSettings } from './settings.js';

const USED: readonly PortName[] = ['lock', 'cache', 'queue', 'stream'];

/** Chooses implementations, seeds what the settings ask for, and starts what runs by itself. */
export async function providersOf(settings: OrderServiceSettings, context: ServiceContext): Promise<Provider[]> {
  const { clock, logger, readiness } = context;
  const { hit: faultPoint } = FaultPoints.fromEnv(process.env);
  const onFault = (what: string, error: unknown) => logger.warn({ err: error }, what);
  const adapters = await openAdapters(settings, { ...context, onFault: (error) => onFault('Redis', error) });
  context.onShutdown('connections', () => adapters.close());
  const platform = await openOrderPlatform({
    databaseUrl: settings.DATABASE_URL,
    currency: settings.CURRENCY,
    adapters,
    clock,
    onFault,
    faultPoint,
  });
  context.onShutdown('connections', () => platform.close());

  const { userStore: store, hasher, productStore, users, sessionRecords, catalogue } = platform;
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password, CURRENCY: currency } = settings;
  if (email && password) {
    const seeded = await seedUser({ store, hasher }, { email, password, name: 'Administrator', role: 'admin' });
    logger.info(`administrator ${seeded}`);
  }
  if (settings.SEED_DEMO) await seedDemo({ products: productStore, users: store, hasher, currency });

  const background = startBackground({ platform, adapters, clock, onFault, faultPoint });
  context.onShutdown('work', () => background.stop());

  readiness.add('postgres', async () => {
    await platform.database.ping();
    return 'up';
  });
  readiness.add('redis', async () => ({
    degraded: (await adapters.degraded()).filter((port) => USED.includes(port)),
  }));

  return [
    { provide: Clock, useValue: clock },
    { provide: Users, useValue: users },
    { provide: SessionRecordsStore, useValue: sessionRecords },
    { provide: Catalogue, useValue: catalogue },
    { provide: PlaceOrder, useValue: platform.placeOrder },
    { provide: CancelOrder, useValue: platform.cancelOrder },
    { provide: ReadOrders, useValue: platform.readOrders },
  ];
}
