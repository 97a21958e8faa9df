import { ordersStream } from '@redstart/messages';
import type { Adapters, Clock } from '@redstart/ports';
import { IdempotencyRecords, openDatabase, Outbox } from '@redstart/postgres-adapters';
import { Catalogue } from '../catalogue/application/catalogue.js';
import { PostgresProductStore } from '../catalogue/infrastructure/postgres-product-store.js';
import { migrateOrderService } from '../database/migrations.js';
import { CancelOrder } from '../orders/application/cancel-order.js';
import { reversePaymentQueue } from '../orders/application/order-tasks.js';
import { PlaceOrder } from '../orders/application/place-order.js';
import { ProcessOrder } from '../orders/application/process-order.js';
import { ReadOrders } from '../orders/application/read-orders.js';
import { Reconciler } from '../orders/application/reconciler.js';
import { ReversePayment } from '../orders/application/reverse-payment.js';
import { PostgresOrderStore } from '../orders/infrastructure/postgres-order-store.js';
import type { PaymentGateway } from '../payments/application/payment-gateway.js';
import { WatchedPayments } from '../payments/application/watched-payments.js';
import { PAYMENT_SIMULATOR_SCHEMA, PaymentSimulator } from '../payments/infrastructure/payment-simulator.js';
import { PostgresSessionRecords } from '../sessions/infrastructure/postgres-session-records.js';
import { Users } from '../users/application/users.js';
import { Argon2PasswordHasher } from '../users/infrastructure/argon2-password-hasher.js';
import { PostgresUserStore } from '../users/infrastructure/postgres-user-store.js';

export interface PlatformSettings {
  databaseUrl: string;
  currency: string;
  adapters: Adapters;
  clock: Clock;
  /** Told of what nobody awaits. */
  onFault: (what: string, error: unknown) => void;
  faultPoint?: (name: string) => void;
  /** What tests put between the service and its payment provider. */
  aroundPayments?: (provider: PaymentGateway) => PaymentGateway;
}

/**
 * Connections by who uses them, so that none can starve another: reads queue or are refused while orders are placed, and
 * workers cannot hold up buyers. The pools are lazy: these are their bounds.
 */
const CONNECTIONS = { reads: 6, orders: 8, workers: 8, payments: 4 };
/** As many callers as the RPC side of one caller lets through at once; the time to wait is bounded besides. */
const MAX_WAITING = 512;

export type OrderPlatform = Awaited<ReturnType<typeof openOrderPlatform>>;

/** The service without its edges and loops: what Nest's module and the tests have in common. Applies migrations. */
export async function openOrderPlatform(settings: PlatformSettings) {
  const { databaseUrl: url, currency, adapters, clock, onFault, faultPoint = () => undefined } = settings;
  const open = (schema: string, poolSize: number) =>
    openDatabase<unknown>({
      url,
      schema,
      poolSize,
      maxWaiting: MAX_WAITING,
      onFault: (error) => onFault('PostgreSQL', error),
    });
  const database = open('order_service', CONNECTIONS.reads);
  const paymentDatabase = open(PAYMENT_SIMULATOR_SCHEMA, CONNECTIONS.payments);
  const close = () => Promise.all([database.close(), paymentDatabase.close()]);
  const simulator = new PaymentSimulator(paymentDatabase);
  try {
    await migrateOrderService(database);
    await simulator.migrate();
  } catch (error) {
    await close();
    throw error;
  }

  const { cache, lock, queue } = adapters;
  const hasher = new Argon2PasswordHasher();
  const userStore = new PostgresUserStore(database);
  const users = new Users({ store: userStore, hasher, cache });
  const sessionRecords = new PostgresSessionRecords(database);

  const orderShare = database.share('orders', CONNECTIONS.orders);
  const workerShare = database.share('workers', CONNECTIONS.workers);
  const productStore = new PostgresProductStore(database);
  const catalogue = new Catalogue({
    store: productStore,
    orderStore: new PostgresProductStore(orderShare),
    cache,
    currency,
  });

  const outbox = new Outbox({ database, stream: ordersStream });
  const idempotency = new IdempotencyRecords();
  const onStockChanged = (skus: readonly string[]) =>
    void catalogue.forget(skus).catch((error: unknown) => onFault('cache', error));
  const orderStore = new PostgresOrderStore({ share: orderShare, outbox, idempotency, onStockChanged });
  const workerOrders = new PostgresOrderStore({ share: workerShare, outbox, idempotency, onStockChanged });

  const payments = new WatchedPayments(settings.aroundPayments?.(simulator) ?? simulator);
  const reversePayment = new ReversePayment({ orders: workerOrders, payments });
  const enqueueReversal = (orderId: string) =>
    void queue
      .enqueue(reversePaymentQueue, [{ payload: { orderId }, dedupeKey: orderId }])
      .catch((error: unknown) => onFault('queue', error));

  return {
    database,
    outbox,
    idempotency,
    userStore,
    users,
    hasher,
    sessionRecords,
    productStore,
    catalogue,
    orderStore,
    workerOrders,
    workerShare,
    payments,
    /** What the provider knows; outside of this service but in a test. */
    simulator,
    reversePayment,
    placeOrder: new PlaceOrder({
      orders: orderStore,
      prices: catalogue,
      users: new PostgresUserStore(orderShare),
      clock,
      currency,
      faultPoint,
    }),
    cancelOrder: new CancelOrder({ orders: orderStore, clock, onReversalDue: enqueueReversal }),
    readOrders: new ReadOrders(orderStore),
    processOrder: new ProcessOrder({ orders: workerOrders, payments, reversePayment, lock, clock, faultPoint }),
    reconciler: new Reconciler({
      orders: workerOrders,
      queue,
      reversePayment,
      clock,
      canMove: async () => payments.available && !(await adapters.degraded()).some((port) => NEEDED.has(port)),
      onFault: (error) => onFault('reconciler', error),
    }),
    close,
  };
}

/** Without these no order moves. */
const NEEDED: ReadonlySet<string> = new Set(['lock', 'queue', 'stream']);
