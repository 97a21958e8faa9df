import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { MailSender } from '../application/mail-sender.js';
import type { Mail } from '../domain/order-mail.js';

const FROM = 'Redstart <orders@redstart.example>';

/** One `.eml` file per event (RFC 5322) in a folder: a mail sent again replaces itself. */
export class FileMailSender extends MailSender {
  private readonly composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' });

  constructor(private readonly folder: string) {
    super();
  }

  async send({
    recipient,
    subject,
    text,
    messageId,
    eventId,
  }: Mail & { messageId: string; eventId: string }): Promise<void> {
    const { message } = await this.composer.sendMail({ from: FROM, to: recipient, subject, text, messageId });
    await mkdir(this.folder, { recursive: true });
    const file = join(this.folder, `${eventId}.eml`);
    // Renamed into place, so that nobody reads half a mail.
    await writeFile(`${file}.part`, message as Buffer);
    await rename(`${file}.part`, file);
  }
}
