import { type Restore, type Troubles } from '@redstart/ports/contracts';
import { SystemClock } from '@redstart/ports';
import { type Proxy, type RedisServer, startProxy, startRedis } from '@redstart/test-servers';
import { RedisConnection } from './connection/redis-connection.js';

/**
 * For specs: a Redis of its own, since it is stopped and filled, with a proxy before the handle under test. Start it in
 * `beforeAll`; each test opens connections of its own.
 */
export class RedisUnderTest {
  private constructor(
    readonly server: RedisServer,
    private readonly proxy: Proxy,
    private readonly admin: RedisConnection,
  ) {}

  static async start(): Promise<RedisUnderTest> {
    const server = await startRedis();
    return new RedisUnderTest(server, await startProxy(server.url), connect(server.url));
  }

  async stop(): Promise<void> {
    await this.admin.close();
    await this.proxy.close();
    await this.server.stop();
  }

  /** Through the proxy, where replies can be cut. */
  connectSubject(): RedisConnection {
    return connect(this.proxy.url);
  }

  /** Straight, as another process would be. */
  connectOther(): RedisConnection {
    return connect(this.server.url);
  }

  /** The subject's connections alone, as of a process that is stopped or cut off. What it sent arrives on `restore`. */
  async silenceSubject(): Promise<Restore> {
    this.proxy.silence();
    return async () => this.proxy.pass();
  }

  /** The subject's connections break, and new ones are refused. */
  async sever(): Promise<Restore> {
    this.proxy.refuse();
    this.proxy.cutAll();
    return async () => this.proxy.pass();
  }

  /** Ends a test. @throws Error when a reply that was to be cut never came: the test did not test it */
  async close(connections: readonly RedisConnection[]): Promise<void> {
    const left = this.proxy.cutsLeft();
    this.proxy.pass();
    await Promise.all(connections.map((connection) => connection.close()));
    if (left > 0) throw new Error('cutNextReply was asked for, and no reply came to be cut');
  }

  readonly troubles: Troubles = {
    // The server's clock cannot be moved.
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    cutNextReply: async () => this.proxy.cutReplies(1, { matching: /evalsha|eval/i }),
    silence: async () => {
      await this.server.pause();
      return () => this.server.resume();
    },
    fill: async () => {
      await this.limitMemory('1');
      return () => this.limitMemory('0');
    },
  };

  private async limitMemory(bytes: string): Promise<void> {
    await this.admin.command({ operation: 'test.fill' }, (redis) => redis.config('SET', 'maxmemory', bytes));
  }
}

export const redisTestSettings = { clock: new SystemClock(), timeoutMs: 1_000 };

function connect(url: string): RedisConnection {
  return new RedisConnection({ url, ...redisTestSettings });
}
