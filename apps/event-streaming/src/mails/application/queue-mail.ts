import type { Reaction } from '../../orders/application/reaction.js';
import { orderMail } from '../domain/order-mail.js';
import type { MailStore } from './mail-store.js';

export const queueMail =
  <Tx>(mails: MailStore<Tx>): Reaction<Tx> =>
  async (event, tx) => {
    const mail = orderMail(event);
    if (mail) await mails.queue(tx, { ...mail, eventId: event.id });
  };
