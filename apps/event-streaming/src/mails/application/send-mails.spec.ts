import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Database } from '@redstart/postgres-adapters';
import { sql } from 'kysely';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabaseUnderTest } from '../../database/database-under-test.js';
import type { Tables } from '../../database/tables.js';
import { SampleOrder } from '../../orders/domain/sample-order.fixture.js';
import { FileMailSender } from '../infrastructure/file-mail-sender.js';
import { PostgresMailStore } from '../infrastructure/postgres-mail-store.js';
import { MailSender } from './mail-sender.js';
import { queueMail } from './queue-mail.js';
import { sendMails } from './send-mails.js';

class FlakySender extends MailSender {
  failing = true;
  readonly sent: string[] = [];
  async send({ messageId }: { messageId: string }): Promise<void> {
    if (this.failing) throw new Error('421 try again');
    this.sent.push(messageId);
  }
}

describe('mails', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mails-'));
  let database: Database<Tables>;
  let close: () => Promise<void>;
  let mails: PostgresMailStore;

  beforeAll(async () => {
    ({ database, close } = await openDatabaseUnderTest());
    mails = new PostgresMailStore(database.db);
  });
  beforeEach(async () => {
    await database.db.deleteFrom('mail').execute();
  });
  afterAll(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });

  const queue = async (times = 1) => {
    const event = new SampleOrder().event('confirmed');
    for (let i = 0; i < times; i += 1) await database.unitOfWork.run((tx) => queueMail(mails)(event, tx));
    return event.id;
  };
  const send = (sender: MailSender, faults: unknown[] = [], signal = new AbortController().signal) =>
    sendMails({ mails, sender, onFault: (error) => faults.push(error), afterSend: () => undefined, signal });
  const dueNow = () =>
    database.db
      .updateTable('mail')
      .set({ next_at: sql<Date>`now()` })
      .execute();

  it('are written once an event, as a file with the event’s Message-ID, and sent once', async () => {
    const id = await queue(2);
    const sender = new FileMailSender(folder);
    expect(await send(sender)).toBe(1);
    expect(await send(sender)).toBe(0);
    expect(readdirSync(folder)).toEqual([`${id}.eml`]);
    const file = readFileSync(join(folder, `${id}.eml`), 'utf8');
    expect(file).toMatch(`Message-ID: <${id}@redstart.example>`);
    expect(file).toMatch('To: first@customers.example');
  });

  it('that could not be sent are sent later, with the same Message-ID, and nothing is lost', async () => {
    const id = await queue();
    const sender = new FlakySender();
    const faults: unknown[] = [];
    expect(await send(sender, faults)).toBe(1);
    expect(faults).toEqual([new Error('421 try again')]);
    // Not at once: it waits its turn.
    expect(await send(sender)).toBe(0);
    sender.failing = false;
    await dueNow();
    await send(sender);
    expect(sender.sent).toEqual([`<${id}@redstart.example>`]);
    await dueNow();
    expect(await send(sender)).toBe(0);
  });

  it('wait longer after each failure, up to ten minutes', async () => {
    await queue();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 12; attempt += 1) {
      await dueNow();
      await send(new FlakySender());
      const { rows } = await sql<{ wait: number }>`
        select extract(epoch from next_at - now())::float8 as wait from mail`.execute(database.db);
      waits.push(rows[0]!.wait);
    }
    // What is left of the wait when it is read: a little less than it was.
    const expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600];
    expect(waits.map((wait, index) => wait <= expected[index]! && wait > expected[index]! / 2)).toEqual(
      expected.map(() => true),
    );
  });

  it('are kept until they are sent, and for a while after', async () => {
    const [sent, recent, unsent] = [await queue(), await queue(), await queue()];
    const set = (id: string, values: { sent_at: Date }) =>
      database.db.updateTable('mail').set(values).where('event_id', '=', id).execute();
    await set(sent, { sent_at: new Date(Date.now() - 120_000) });
    await set(recent, { sent_at: new Date() });
    await mails.purge(60_000);
    const left = await database.db.selectFrom('mail').select('event_id').orderBy('event_id').execute();
    expect(left.map(({ event_id: id }) => id)).toEqual([recent, unsent].sort());
  });

  it('are handed back when the process stops before the server has answered', async () => {
    const id = await queue();
    const stopping = new AbortController();
    const silent = new (class extends MailSender {
      send(): Promise<void> {
        stopping.abort();
        return new Promise(() => undefined);
      }
    })();
    const faults: unknown[] = [];
    expect(await send(silent, faults, stopping.signal)).toBe(1);
    expect(faults).toEqual([new Error('stopped before the mail server had answered')]);
    const { rows } = await sql<{ soon: boolean }>`
      select next_at < now() + interval '2 s' as soon from mail where event_id = ${id} and sent_at is null`.execute(
      database.db,
    );
    expect(rows).toEqual([{ soon: true }]);
  });

  it('of a process that died between sending and marking are sent again, by another, after its lease', async () => {
    const id = await queue();
    const sender = new FlakySender();
    sender.failing = false;
    const { signal } = new AbortController();
    const dies = sendMails({
      mails,
      sender,
      onFault: () => undefined,
      signal,
      afterSend: () => {
        throw new Error('killed');
      },
    });
    await expect(dies).rejects.toThrow('killed');
    expect(await send(sender)).toBe(0);
    await dueNow();
    await send(sender);
    expect(sender.sent).toEqual([`<${id}@redstart.example>`, `<${id}@redstart.example>`]);
  });

  it('are taken by one mailer each, and none waits for another', async () => {
    const ids = [await queue(), await queue()];
    const taken = await database.unitOfWork.run(async (tx) => {
      const one = await new PostgresMailStore(tx).take({ limit: 1, leaseMs: 1000 });
      const other = await mails.take({ limit: 10, leaseMs: 1000 });
      return [one, other].map((mine) => mine.map(({ eventId }) => eventId));
    });
    expect(taken.map((mine) => mine.length)).toEqual([1, 1]);
    expect(taken.flat().sort()).toEqual(ids.sort());
  });
});
