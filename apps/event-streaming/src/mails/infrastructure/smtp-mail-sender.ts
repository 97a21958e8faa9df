import { createTransport, type Transporter } from 'nodemailer';
import { MailSender } from '../application/mail-sender.js';
import type { Mail } from '../domain/order-mail.js';

const TIMEOUT_MS = 10_000;
const FROM = 'Redstart <orders@redstart.example>';

/** By SMTP, over few connections that are kept. */
export class SmtpMailSender extends MailSender {
  private readonly transport: Transporter;

  constructor(url: string) {
    super();
    this.transport = createTransport({
      url,
      pool: true,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
    });
  }

  async send({ recipient, subject, text, messageId }: Mail & { messageId: string }): Promise<void> {
    await this.transport.sendMail({ from: FROM, to: recipient, subject, text, messageId });
  }

  close(): void {
    this.transport.close();
  }
}
