import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:net';
import { SmtpMailSender } from './smtp-mail-sender.js';

/** As much of RFC 5321 as a client needs to hand a mail over. */
function smtpServer(received: string[]): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    let data: string | undefined;
    let buffer = '';
    socket.write('220 test ESMTP\r\n');
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      buffer += bytes.toString();
      for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (data !== undefined) {
          if (line === '.') {
            received.push(data);
            data = undefined;
            socket.write('250 kept\r\n');
          } else data += `${line}\n`;
        } else if (/^DATA/i.test(line)) {
          data = '';
          socket.write('354 go on\r\n');
        } else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n');
        else socket.write('250 test\r\n');
      }
    });
  });
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve({ server, port: (server.address() as { port: number }).port })),
  );
}

describe('mail by SMTP', () => {
  const mail = {
    recipient: 'first@customers.example',
    subject: 'Hello',
    text: 'A line.\n',
    messageId: '<1@redstart.example>',
  };
  let received: string[];
  let server: Server;
  let sender: SmtpMailSender;

  beforeEach(async () => {
    received = [];
    const { server: started, port } = await smtpServer(received);
    server = started;
    sender = new SmtpMailSender(`smtp://127.0.0.1:${port}`);
  });
  afterEach(() => {
    sender.close();
    server.close();
  });

  it('arrives with its Message-ID', async () => {
    await sender.send(mail);
    expect(received).toHaveLength(1);
    expect(received[0]).toMatch(/^Message-ID: <1@redstart\.example>$/m);
    expect(received[0]).toMatch(/^To: first@customers\.example$/m);
  });

  it('fails loudly when the server is gone', async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(sender.send(mail)).rejects.toThrow(/ECONNREFUSED/);
  });
});
