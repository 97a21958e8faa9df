import type { Provider } from '@nestjs/common';
import { openDatabase } from '@redstart/postgres-adapters';
import { FaultPoints, type ServiceContext } from '@redstart/service-kit';
import { join } from 'node:path';
import { BOARDS } from '../boards/interface/leaderboards.controller.js';
import { PostgresSpendStore } from '../boards/infrastructure/postgres-spend-store.js';
import { migrateEventStreaming } from '../database/migrations.js';
import type { Tables } from '../database/tables.js';
import { PostgresDeliveryStore } from '../deliveries/infrastructure/postgres-delivery-store.js';
import { FileMailSender } from '../mails/infrastructure/file-mail-sender.js';
import { PostgresMailStore } from '../mails/infrastructure/postgres-mail-store.js';
import { SmtpMailSender } from '../mails/infrastructure/smtp-mail-sender.js';
import { PostgresNotificationStore } from '../notifications/infrastructure/postgres-notification-store.js';
import { NOTIFICATIONS } from '../notifications/interface/notifications.controller.js';
import { openAdapters } from './adapters.js';
import { startBackground } from './background.js';
import type { EventStreamingSettings } from './settings.js';

/** Connections by who uses them, so that readers cannot hold up events, nor events readers. Bounds: the pools are lazy. */
const CONNECTIONS = { reads: 6, work: 8 };
/** As many callers as the RPC side of one caller lets through at once; the time to wait is bounded besides. */
const MAX_WAITING = 512;

/** Chooses implementations, and starts what runs by itself. */
export async function providersOf(settings: EventStreamingSettings, context: ServiceContext): Promise<Provider[]> {
  const { clock, logger } = context;
  const { hit: faultPoint } = FaultPoints.fromEnv(process.env);
  const onFault = (what: string, error: unknown) => logger.warn({ err: error }, what);
  const database = openDatabase<Tables>({
    url: settings.DATABASE_URL,
    schema: 'event_streaming',
    poolSize: CONNECTIONS.reads,
    maxWaiting: MAX_WAITING,
    clock,
    onFault: (error) => onFault('PostgreSQL', error),
  });
  context.onShutdown('connections', () => database.close());
  await migrateEventStreaming(database);
  const adapters = await openAdapters(settings, { ...context, onFault: (error) => onFault('Redis', error) });
  context.onShutdown('connections', () => adapters.close());

  const { leaderboard, stream } = adapters;
  const share = database.share('work', CONNECTIONS.work);
  const background = startBackground({
    database,
    share,
    stream,
    deliveries: new PostgresDeliveryStore(),
    mails: new PostgresMailStore(share.db),
    mailSender: mailSenderOf(settings, context),
    notifications: new PostgresNotificationStore(share.db),
    boards: { store: new PostgresSpendStore(share.db), leaderboard, clock },
    deliveryDelayMs: settings.DELIVERY_DELAY_MS,
    clock,
    onFault,
    faultPoint,
  });
  context.onShutdown('work', () => background.stop());

  context.readiness.add('postgres', async () => {
    await database.ping();
    return 'up';
  });
  context.readiness.add('redis', async () => ({
    degraded: (await adapters.degraded()).filter((port) => port === 'stream' || port === 'leaderboard'),
  }));
  return [
    { provide: NOTIFICATIONS, useValue: new PostgresNotificationStore(database.db) },
    { provide: BOARDS, useValue: { store: new PostgresSpendStore(database.db), leaderboard, clock } },
  ];
}

function mailSenderOf({ SMTP_URL, DATA_DIR }: EventStreamingSettings, context: ServiceContext) {
  if (!SMTP_URL) return new FileMailSender(join(DATA_DIR, 'mail'));
  const sender = new SmtpMailSender(SMTP_URL);
  context.onShutdown('connections', () => sender.close());
  return sender;
}
