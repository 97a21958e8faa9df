import { SystemClock, type Adapters, type Clock } from '@redstart/ports';
import { bodyHash } from '@redstart/postgres-adapters';
import { createDatabase } from '@redstart/test-servers';
import { randomUUID } from 'node:crypto';
import type { PaymentGateway } from '../payments/application/payment-gateway.js';
import type { User } from '../users/domain/user.js';
import { startBackground } from './background.js';
import { openOrderPlatform, type OrderPlatform } from './order-platform.js';

export interface UnderTest {
  platform: OrderPlatform;
  adapters: Adapters;
  url: string;
  faults: { what: string; error: unknown }[];
  /** Starts relay, workers, consumer and reconciler. */
  start(): void;
  customer(): Promise<User>;
  product(options: { stock: number; price?: number }): Promise<string>;
  stock(sku: string): Promise<number | undefined>;
  /** Places an order as the RPC edge does; answers its id. */
  place(user: User, lines: { sku: string; quantity: number }[], key?: string): Promise<string>;
  close(): Promise<void>;
}

/** The whole order-service on a PostgreSQL database of its own and a memory backend, without the RPC edge. Tests only. */
export async function openUnderTest(
  options: { clock?: Clock; aroundPayments?: (provider: PaymentGateway) => PaymentGateway } = {},
): Promise<UnderTest> {
  const clock = options.clock ?? new SystemClock();
  const { MemoryBackend } = await import('@redstart/memory-adapters');
  const database = await createDatabase();
  const faults: UnderTest['faults'] = [];
  const onFault = (what: string, error: unknown) => void faults.push({ what, error });
  // The backend keeps real time whatever the service's clock says: leases are the server's business.
  const adapters = new MemoryBackend().open({ timeoutMs: 500, clock: new SystemClock() });
  const platform = await openOrderPlatform({
    databaseUrl: database.url,
    currency: 'GBP',
    adapters,
    clock,
    onFault,
    ...(options.aroundPayments && { aroundPayments: options.aroundPayments }),
  });
  let background: ReturnType<typeof startBackground> | undefined;
  return {
    platform,
    adapters,
    url: database.url,
    faults,
    start() {
      background ??= startBackground({ platform, adapters, clock, onFault });
    },
    async customer() {
      const id = randomUUID();
      const user: User = { id, email: `${id}@example.com`, name: 'Customer', role: 'customer' };
      // A hash costs 30 ms on purpose; a customer who never logs in needs none.
      await platform.userStore.insert({ ...user, passwordHash: 'none' });
      return user;
    },
    async product({ stock, price = 100 }) {
      const sku = randomUUID();
      await platform.catalogue.put({ sku, name: 'Thing', price, currency: 'GBP', stock });
      return sku;
    },
    async stock(sku) {
      return (await platform.productStore.find(sku))?.stock;
    },
    async place(user, lines, key = randomUUID()) {
      const placed = await platform.placeOrder.run({
        userId: user.id,
        idempotencyKey: key,
        bodyHash: bodyHash({ lines }),
        lines,
      });
      return (placed.body as { id: string }).id;
    },
    async close() {
      await background?.stop();
      await adapters.close();
      await platform.close();
      await database.drop();
    },
  };
}
