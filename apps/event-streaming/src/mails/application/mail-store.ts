import type { Mail } from '../domain/order-mail.js';

/** A mail to send; `eventId` is its identity. */
export interface QueuedMail extends Mail {
  eventId: string;
  attempts: number;
}

export interface MailStore<Tx> {
  /** One mail an event; a second call for it does nothing. */
  queue(tx: Tx, mail: Mail & { eventId: string }): Promise<void>;
  /** Takes up to `limit` unsent mails whose turn it is; no other process gets them for `leaseMs`. */
  take(options: { limit: number; leaseMs: number }): Promise<QueuedMail[]>;
  markSent(eventId: string): Promise<void>;
  retryLater(eventId: string, delayMs: number): Promise<void>;
  /** Deletes mails that were sent longer ago than `keepMs`. */
  purge(keepMs: number): Promise<void>;
}
