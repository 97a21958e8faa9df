import { connect } from 'node:net';

/**
 * Sends one command over a connection of its own and returns the reply's text: all that starting, watching and flushing
 * a test server needs, without a client library. Rejects on an error reply, and after `timeoutMs`.
 */
export function redisCommand(url: string, command: readonly string[], timeoutMs = 2_000): Promise<string> {
  const { hostname, port, username, password } = new URL(url);
  const login = password
    ? [['AUTH', ...(username ? [decodeURIComponent(username)] : []), decodeURIComponent(password)]]
    : [];
  const commands = [...login, command];
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname || '127.0.0.1', port: Number(port || 6379) });
    let received = Buffer.alloc(0);
    const finish = (outcome: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      outcome();
    };
    const timer = setTimeout(
      () => finish(() => reject(new Error(`No reply to ${command[0]} within ${timeoutMs} ms.`))),
      timeoutMs,
    );
    socket.on('connect', () => socket.write(commands.map(encode).join('')));
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('close', () => finish(() => reject(new Error(`The server closed the connection at ${command[0]}.`))));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      let at = 0;
      let reply: Reply | undefined;
      for (let i = 0; i < commands.length; i++) {
        reply = parse(received, at);
        if (!reply) return;
        if (reply.error) break;
        at = reply.next;
      }
      if (!reply) return;
      const { text, error } = reply;
      finish(() => (error ? reject(new Error(text)) : resolve(text)));
    });
  });
}

interface Reply {
  readonly text: string;
  readonly error: boolean;
  readonly next: number;
}

function encode(command: readonly string[]): string {
  return `*${command.length}\r\n${command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

/** Simple strings, errors, integers and bulk strings: the replies of the commands used here. */
function parse(bytes: Buffer, at: number): Reply | undefined {
  const end = bytes.indexOf('\r\n', at);
  if (end < 0) return undefined;
  const kind = String.fromCharCode(bytes[at] ?? 0);
  const line = bytes.toString('utf8', at + 1, end);
  if (kind !== '$') return { text: line, error: kind === '-', next: end + 2 };
  const length = Number(line);
  if (length < 0) return { text: '', error: false, next: end + 2 };
  const start = end + 2;
  if (bytes.length < start + length + 2) return undefined;
  return { text: bytes.toString('utf8', start, start + length), error: false, next: start + length + 2 };
}
