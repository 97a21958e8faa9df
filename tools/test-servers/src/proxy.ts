import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface CutOptions {
  /**
   * Cuts only replies to requests whose bytes match, such as `/EVALSHA/` or `/commit/i`: the handshake of a client that
   * reconnects does not count then. The bytes looked at are those sent on the connection since its last reply.
   */
  readonly matching?: RegExp;
}

/** A TCP proxy in front of Redis or PostgreSQL that fails on demand. It listens on a loopback port of its own. */
export interface Proxy {
  /** The target's URL with the proxy's address in it. */
  readonly url: string;
  readonly port: number;
  /**
   * The next `count` times that a reply arrives: drops it and breaks the client's connection. The server has executed
   * the command, the client cannot know. `NOSCRIPT` replies pass: nothing was executed.
   */
  cutReplies(count: number, options?: CutOptions): void;
  /** How many replies `cutReplies` still waits for. */
  cutsLeft(): number;
  /** Connections stay open and are accepted, and nothing passes any more; with 'replies', requests still arrive. */
  silence(what?: 'everything' | 'replies'): void;
  /** Breaks new connections at once. Those that are open stay. */
  refuse(): void;
  /** Back to passing everything on, also what was held by `silence`. Ends `delay` and takes back `cutReplies`. */
  pass(): void;
  /** Holds every reply for `ms` milliseconds. */
  delay(ms: number): void;
  /** Breaks all connections now. */
  cutAll(): void;
  /** How many clients are connected. */
  connections(): number;
  /** Breaks all connections and stops listening. */
  close(): Promise<void>;
}

/** Starts a proxy in front of `targetUrl`, which may be a Redis or a PostgreSQL URL. */
export async function startProxy(targetUrl: string): Promise<Proxy> {
  const proxy = new FaultProxy(targetUrl);
  await proxy.listen();
  return proxy;
}

class FaultProxy implements Proxy {
  private readonly target: { host: string; port: number };
  private readonly server: Server;
  private readonly open = new Set<ProxiedConnection>();
  readonly faults: Faults = { silent: 'nothing', delayMs: 0, cuts: 0, matching: undefined };
  private refusing = false;

  constructor(private readonly targetUrl: string) {
    const { hostname, port, protocol } = new URL(targetUrl);
    const usual = protocol.startsWith('postgres') ? 5432 : 6379;
    this.target = { host: hostname || '127.0.0.1', port: Number(port || usual) };
    this.server = createServer({ noDelay: true }, (client) => this.accept(client));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(0, '127.0.0.1', () => resolve());
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    const url = new URL(this.targetUrl);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }

  cutReplies(count: number, options: CutOptions = {}): void {
    this.faults.cuts = count;
    this.faults.matching = options.matching;
  }

  cutsLeft(): number {
    return this.faults.cuts;
  }

  silence(what: 'everything' | 'replies' = 'everything'): void {
    this.faults.silent = what;
  }

  refuse(): void {
    this.refusing = true;
  }

  pass(): void {
    Object.assign(this.faults, { silent: 'nothing', delayMs: 0, cuts: 0 });
    this.refusing = false;
    for (const connection of this.open) connection.flush();
  }

  delay(ms: number): void {
    this.faults.delayMs = ms;
  }

  cutAll(): void {
    for (const connection of [...this.open]) connection.cut();
  }

  connections(): number {
    return this.open.size;
  }

  async close(): Promise<void> {
    this.cutAll();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(client: Socket): void {
    if (this.refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...this.target, noDelay: true });
    const connection = new ProxiedConnection({ client, upstream, faults: this.faults });
    this.open.add(connection);
    client.once('close', () => this.open.delete(connection));
  }
}

interface Faults {
  silent: 'nothing' | 'replies' | 'everything';
  delayMs: number;
  cuts: number;
  matching: RegExp | undefined;
}

class ProxiedConnection {
  private readonly client: Socket;
  private readonly upstream: Socket;
  private readonly faults: Faults;
  private readonly requests: Buffer[] = [];
  private readonly replies: { readonly bytes: Buffer; readonly due: number }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private sinceLastReply = '';

  constructor(parts: { client: Socket; upstream: Socket; faults: Faults }) {
    this.client = parts.client;
    this.upstream = parts.upstream;
    this.faults = parts.faults;
    this.client.on('data', (bytes: Buffer) => {
      this.requests.push(bytes);
      this.flush();
    });
    this.upstream.on('data', (bytes: Buffer) => this.onReply(bytes));
    for (const [from, to] of [
      [this.client, this.upstream],
      [this.upstream, this.client],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  }

  /** Breaks the client's connection; the server gets to read what it was sent. */
  cut(): void {
    clearTimeout(this.timer);
    this.client.resetAndDestroy();
    this.upstream.end();
  }

  /** Sends on what may pass now. */
  flush(): void {
    if (this.faults.silent !== 'everything') {
      for (const bytes of this.requests.splice(0)) {
        if (this.faults.cuts > 0) this.sinceLastReply += bytes.toString('latin1');
        if (this.upstream.writable) this.upstream.write(bytes);
      }
    }
    while (this.faults.silent === 'nothing') {
      const next = this.replies[0];
      if (!next) return;
      const waitMs = next.due - Date.now();
      if (waitMs > 0 && this.faults.delayMs > 0) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.flush(), waitMs);
        return;
      }
      this.replies.shift();
      if (this.client.writable) this.client.write(next.bytes);
    }
  }

  private onReply(bytes: Buffer): void {
    const request = this.sinceLastReply;
    this.sinceLastReply = '';
    if (this.faults.cuts > 0 && this.isToBeCut(request, bytes)) {
      this.faults.cuts--;
      this.cut();
      return;
    }
    this.replies.push({ bytes, due: Date.now() + this.faults.delayMs });
    this.flush();
  }

  private isToBeCut(request: string, reply: Buffer): boolean {
    if (this.faults.matching && !this.faults.matching.test(request)) return false;
    return !reply.subarray(0, 9).equals(noScript);
  }
}

const noScript = Buffer.from('-NOSCRIPT');
