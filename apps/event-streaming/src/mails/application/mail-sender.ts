import type { Mail } from '../domain/order-mail.js';

/** Hands a mail to what delivers it. `messageId` is the same at every attempt, so a receiver can tell a repetition. */
export abstract class MailSender {
  abstract send(mail: Mail & { messageId: string; eventId: string }): Promise<void>;
}
