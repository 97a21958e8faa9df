import { deliveriesStream, ordersStream, type OrderEvent } from '@redstart/messages';
import type { Clock, EventStream } from '@redstart/ports';
import { Inbox, inboxConsumer, Outbox, startOutboxRelay, type Database, type Share } from '@redstart/postgres-adapters';
import { Loop } from '@redstart/service-kit';
import { v7 as uuid } from 'uuid';
import { countSpend } from '../boards/application/count-spend.js';
import { publishBoards, type PublishBoardsParts } from '../boards/application/publish-boards.js';
import type { SpendStore } from '../boards/application/spend-store.js';
import type { Tables, Tx } from '../database/tables.js';
import { deliverDue } from '../deliveries/application/carrier.js';
import type { DeliveryStore } from '../deliveries/application/delivery-store.js';
import { planDelivery } from '../deliveries/application/plan-delivery.js';
import type { MailSender } from '../mails/application/mail-sender.js';
import type { MailStore } from '../mails/application/mail-store.js';
import { queueMail } from '../mails/application/queue-mail.js';
import { sendMails } from '../mails/application/send-mails.js';
import { notify } from '../notifications/application/notify.js';
import type { NotificationStore } from '../notifications/application/notification-store.js';
import { allOf } from '../orders/application/reaction.js';

export interface Background {
  database: Database<Tables>;
  /** The connections of what runs here. */
  share: Share<Tables>;
  stream: EventStream;
  deliveries: DeliveryStore<Tx>;
  mails: MailStore<Tx>;
  mailSender: MailSender;
  notifications: NotificationStore<Tx>;
  boards: PublishBoardsParts & { store: SpendStore<Tx> };
  deliveryDelayMs: number;
  clock: Clock;
  onFault: (what: string, error: unknown) => void;
  faultPoint: (name: string) => void;
}

const GROUP = 'event-streaming';
const ATTEMPTS = 10;
const TAKEOVER_MS = 5000;
const CONCURRENCY = 16;
const LOOP_MS = { carrier: 200, mailer: 500, boards: 1000, housekeeping: 60 * 60_000 };
const DAY_MS = 24 * 60 * 60_000;
const KEEP_MS = { mail: 30 * DAY_MS, notification: 90 * DAY_MS };
const STOP = { deadlineMs: 5000 };

/** What runs by itself: the consumer with its reactions, carrier, mailer, boards, relay, housekeeping. Answers how to stop it. */
export function startBackground(parts: Background) {
  const { database, share, stream, deliveries, mails, notifications, boards, clock, faultPoint } = parts;
  const fault = (what: string) => (error: unknown) => parts.onFault(what, error);
  const inbox = new Inbox();
  const outbox = new Outbox({ database, stream: deliveriesStream });
  const loop = (name: keyof typeof LOOP_MS, task: () => Promise<'again' | void>) =>
    new Loop({ clock, everyMs: LOOP_MS[name], task, onFault: fault(name) });

  const carrier = loop('carrier', async () => {
    const arrived = await deliverDue<Tx>({
      deliveries,
      clock,
      transaction: (work) => share.unitOfWork.run(work),
      publish: (tx, events) => {
        // The last that is heard of a delivery.
        const entries = events.map((event) => ({ event, settles: true }));
        return outbox.write(tx, entries);
      },
    });
    if (arrived === 0) return undefined;
    faultPoint('carrier.after-commit');
    return 'again';
  });
  const hurry = new AbortController();
  const mailer = loop('mailer', async () => {
    const afterSend = () => faultPoint('mailer.after-send-before-mark');
    const taken = await sendMails({
      mails,
      sender: parts.mailSender,
      onFault: fault('mail'),
      afterSend,
      signal: hurry.signal,
    });
    return taken > 0 ? 'again' : undefined;
  });
  const publisher = loop('boards', () => publishBoards(boards));
  const housekeeping = loop('housekeeping', async () => {
    await mails.purge(KEEP_MS.mail);
    await notifications.purge(KEEP_MS.notification);
    await boards.store.purge();
    await inbox.purge(share.db);
  });

  const react = allOf<Tx>([
    planDelivery({ deliveries, clock, delayMs: parts.deliveryDelayMs }),
    queueMail(mails),
    notify(notifications),
    countSpend(boards.store),
  ]);
  const afterEffect = () => {
    faultPoint('event-streaming.after-effect-before-ack');
    mailer.nudge();
    publisher.nudge();
  };
  const consumer = stream.consume(
    ordersStream,
    GROUP,
    inboxConsumer<OrderEvent, Tx>(
      { inbox, unitOfWork: share.unitOfWork, clock, group: GROUP, afterEffect },
      async (event, tx) => {
        await react(event, tx);
        faultPoint('event-streaming.before-commit');
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
  const relay = startOutboxRelay({ outbox, target: stream, onFault: fault('outbox relay') });
  const loops = [carrier, mailer, publisher, housekeeping];
  return {
    async stop(): Promise<void> {
      const deadline = clock.after(STOP.deadlineMs, () => hurry.abort());
      await Promise.all([...loops.map((each) => each.stop()), consumer.stop(STOP), relay.stop(STOP)]);
      deadline.cancel();
    },
  };
}
