import type { Provider } from '@nestjs/common';
import { openDatabase } from '@redstart/postgres-adapters';
import type { ServiceContext } from '@redstart/service-kit';
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

/** Chooses implementations, and starts what runs by itself. */
export async function providersOf(settings: EventStreamingSettings, context: ServiceContext): Promise<Provider[]> {
  const { clock, logger } = context;
  const database = openDatabase<Tables>({
    url: settings.DATABASE_URL,
    schema: 'event_streaming',
    clock,
    onFault: (error) => logger.warn({ err: error }, 'PostgreSQL'),
  });
  context.onShutdown('connections', () => database.close());
  await migrateEventStreaming(database);
  const adapters = await openAdapters(settings, context);
  context.onShutdown('connections', () => adapters.close());

  const notifications = new PostgresNotificationStore(database.db);
  const boards = { store: new PostgresSpendStore(database.db), leaderboard: adapters.leaderboard, clock };
  startBackground(
    {
      database,
      stream: adapters.stream,
      deliveries: new PostgresDeliveryStore(),
      mails: new PostgresMailStore(database.db),
      mailSender: mailSenderOf(settings, context),
      notifications,
      boards,
      deliveryDelayMs: settings.DELIVERY_DELAY_MS,
    },
    context,
  );
  context.readiness.add('postgres', async () => {
    await database.ping();
    return 'up';
  });
  context.readiness.add('redis', async () => ({
    degraded: (await adapters.degraded()).filter((port) => port === 'stream' || port === 'leaderboard'),
  }));
  return [
    { provide: NOTIFICATIONS, useValue: notifications },
    { provide: BOARDS, useValue: boards },
  ];
}

function mailSenderOf({ SMTP_URL, DATA_DIR }: EventStreamingSettings, context: ServiceContext) {
  if (!SMTP_URL) return new FileMailSender(join(DATA_DIR, 'mail'));
  const sender = new SmtpMailSender(SMTP_URL);
  context.onShutdown('connections', () => sender.close());
  return sender;
}
