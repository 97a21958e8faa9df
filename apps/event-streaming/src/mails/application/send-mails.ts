import type { MailSender } from './mail-sender.js';
import type { MailStore } from './mail-store.js';

export interface SendMailsParts {
  mails: MailStore<never>;
  sender: MailSender;
  onFault: (error: unknown) => void;
  /** Called between sending and marking; a process that dies there sends again. */
  afterSend: () => void;
  /** Aborts when nobody can wait any longer for a server that does not answer: what is not sent by then is handed back. */
  signal: AbortSignal;
}

const BATCH = 20;
const LEASE_MS = 60_000;
const RETRY = { firstMs: 1000, maxMs: 10 * 60_000 };

/** Sends what is queued, each mail at least once. Answers how many were taken. */
export async function sendMails({ mails, sender, onFault, afterSend, signal }: SendMailsParts): Promise<number> {
  const taken = await mails.take({ limit: BATCH, leaseMs: LEASE_MS });
  await Promise.all(
    taken.map(async (mail) => {
      try {
        await until(signal, sender.send({ ...mail, messageId: `<${mail.eventId}@redstart.example>` }));
      } catch (error) {
        onFault(error);
        await mails.retryLater(mail.eventId, Math.min(RETRY.maxMs, RETRY.firstMs * 2 ** (mail.attempts - 1)));
        return;
      }
      afterSend();
      await mails.markSent(mail.eventId);
    }),
  );
  return taken.length;
}

function until(signal: AbortSignal, sending: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error('stopped before the mail server had answered'));
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp);
    sending.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
