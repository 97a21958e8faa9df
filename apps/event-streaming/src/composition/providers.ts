import type { Provider } from '@nestjs/common';
import { deliveriesStream, ordersStream, type OrderEvent } from '@redstart/messages';
import { inboxConsumer, Inbox, openDatabase, Outbox, startOutboxRelay } from '@redstart/postgres-adapters';
import { FaultPoints, Loop, type ServiceContext } from '@redstart/service-kit';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { BOARDS } from '../boards/interface/leaderboards.controller.js';
import { countSpend } from '../boards/application/count-spend.js';
import { publishBoards } from '../boards/application/publish-boards.js';
import { PostgresSpendStore } from '../boards/infrastructure/postgres-spend-store.js';
import { migrateEventStreaming } from '../database/migrations.js';
import type { Tables, Tx } from '../database/tables.js';
import { deliverDue } from '../deliveries/application/carrier.js';
import { planDelivery } from '../deliveries/application/plan-delivery.js';
import { PostgresDeliveryStore } from '../deliveries/infrastructure/postgres-delivery-store.js';
import { queueMail } from '../mails/application/queue-mail.js';
import { sendMails } from '../mails/application/send-mails.js';
import { FileMailSender } from '../mails/infrastructure/file-mail-sender.js';
import { PostgresMailStore } from '../mails/infrastructure/postgres-mail-store.js';
import { SmtpMailSender } from '../mails/infrastructure/smtp-mail-sender.js';
import { notify } from '../notifications/application/notify.js';
import { PostgresNotificationStore } from '../notifications/infrastructure/postgres-notification-store.js';
import { NOTIFICATIONS } from '../notifications/interface/notifications.controller.js';
import { allOf } from '../orders/application/reaction.js';
import { openAdapters } from './adapters.js';
import type { EventStreamingSettings } from './settings.js';

const GROUP = 'event-streaming';
const ATTEMPTS = 10;
const TAKEOVER_MS = 5000;
const CONCURRENCY = 16;
const LOOP_MS = { carrier: 200, mailer: 500, boards: 1000, housekeeping: 60 * 60_000 };
const DAY_MS = 24 * 60 * 60_000;
const KEEP_MS = { mail: 30 * DAY_MS, notification: 90 * DAY_MS };

/** Chooses implementations, and starts what runs by itself. */
export async function providersOf(settings: EventStreamingSettings, context: ServiceContext): Promise<Provider[]> {
  const { clock, logger } = context;
  const points = FaultPoints.fromEnv(process.env);
  const fault = (what: string) => (error: unknown) => logger.warn({ err: error }, what);
  const database = openDatabase<Tables>({
    url: settings.DATABASE_URL,
    schema: 'event_streaming',
    clock,
    onFault: fault('PostgreSQL'),
  });
  context.onShutdown('connections', () => database.close());
  await migrateEventStreaming(database);
  const adapters = await openAdapters(settings, context);
  context.onShutdown('connections', () => adapters.close());

  const deliveries = new PostgresDeliveryStore();
  const mails = new PostgresMailStore(database.db);
  const notifications = new PostgresNotificationStore(database.db);
  const boards = { store: new PostgresSpendStore(database.db), leaderboard: adapters.leaderboard, clock };
  const sender = settings.SMTP_URL
    ? new SmtpMailSender(settings.SMTP_URL)
    : new FileMailSender(join(settings.DATA_DIR, 'mail'));
  const inbox = new Inbox();
  const outbox = new Outbox({ database, stream: deliveriesStream });

  const loop = (everyMs: number, name: string, task: () => Promise<'again' | void>) => {
    const started = new Loop({ clock, everyMs, task, onFault: fault(name) });
    context.onShutdown('work', () => started.stop());
    return started;
  };
  loop(LOOP_MS.carrier, 'carrier', async () => {
    const arrived = await deliverDue<Tx>({
      deliveries,
      clock,
      transaction: (work) => database.unitOfWork.run(work),
      publish: (tx, events) =>
        outbox.write(
          tx,
          events.map((event) => ({ event, settles: true })),
        ),
    });
    if (arrived > 0) points.hit('carrier.after-commit');
    return arrived > 0 ? 'again' : undefined;
  });
  const mailer = loop(LOOP_MS.mailer, 'mailer', async () => {
    const afterSend = () => points.hit('mailer.after-send-before-mark');
    return (await sendMails({ mails, sender, onFault: fault('mail'), afterSend })) > 0 ? 'again' : undefined;
  });
  const publisher = loop(LOOP_MS.boards, 'boards', () => publishBoards(boards));
  loop(LOOP_MS.housekeeping, 'housekeeping', async () => {
    await mails.purge(KEEP_MS.mail);
    await notifications.purge(KEEP_MS.notification);
    await boards.store.purge();
    await inbox.purge(database.db);
  });

  const react = allOf<Tx>([
    planDelivery({ deliveries, clock, delayMs: settings.DELIVERY_DELAY_MS }),
    queueMail(mails),
    notify(notifications),
    countSpend(boards.store),
  ]);
  const consumer = adapters.stream.consume(
    ordersStream,
    GROUP,
    inboxConsumer<OrderEvent, Tx>(
      {
        inbox,
        unitOfWork: database.unitOfWork,
        clock,
        group: GROUP,
        afterEffect: () => {
          points.hit('event-streaming.after-effect-before-ack');
          mailer.nudge();
          publisher.nudge();
        },
      },
      async (event, tx) => {
        await react(event, tx);
        points.hit('event-streaming.before-commit');
      },
    ),
    {
      consumer: uuid(),
      attempts: ATTEMPTS,
      takeoverMs: TAKEOVER_MS,
      concurrency: CONCURRENCY,
      onFault: fault('stream orders'),
    },
  );
  const relay = startOutboxRelay({ outbox, target: adapters.stream, onFault: fault('outbox relay') });
  const STOP = { deadlineMs: 5000 };
  context.onShutdown('work', () => consumer.stop(STOP));
  context.onShutdown('work', () => relay.stop(STOP));
  context.onShutdown('connections', () => {
    if (sender instanceof SmtpMailSender) sender.close();
  });

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
