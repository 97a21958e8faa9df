import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { SupervisedProcess } from '../supervised-process.js';
import { docker, dockerRunArguments } from './docker-redis.js';
import { findRedisServer } from './find-redis.js';
import { redisCommand } from './redis-command.js';

export interface RedisOptions {
  /** As in redis.conf: `64mb`. Without it there is no limit. The policy is `noeviction`. */
  readonly maxmemory?: string;
  /** Keeps an append-only file over `restart()`, synced at each write. Default: nothing is kept. */
  readonly appendonly?: boolean;
  /** More arguments of redis-server: `['--maxmemory-policy', 'allkeys-lfu']`. */
  readonly args?: readonly string[];
}

/** A private Redis on the loopback interface. It ends with the process that started it. */
export interface RedisServer {
  /** `redis://127.0.0.1:port`. Stays the same over `restart()`. */
  readonly url: string;
  readonly port: number;
  /** Of the running server; 0 while there is none. In a container, its id among the container's own processes. */
  readonly pid: number;
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): Promise<void>;
  /** SIGKILL: connections break, what is not on disk is gone. */
  kill(): Promise<void>;
  /** SIGTERM: an orderly end. `restart()` starts it again. */
  stop(): Promise<void>;
  /** Starts it again on its port, after an orderly end when it still runs. */
  restart(): Promise<void>;
  flushAll(): Promise<void>;
  /** `INFO`, as a map of field to value. */
  info(section?: string): Promise<ReadonlyMap<string, string>>;
}

/** Starts a private server: about 30 ms where a `redis-server` binary was found. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const source = await findRedisServer();
  let lastError: unknown;
  // Between choosing a free port and listening, another process may take it.
  for (let attempt = 0; attempt < 3; attempt++) {
    const port = await freePort();
    const server =
      source.kind === 'binary'
        ? new ProcessRedis(port, options, source.path, source.env)
        : new ContainerRedis(port, options, source.image);
    try {
      await server.restart();
      return server;
    } catch (error) {
      lastError = error;
      await server.stop().catch(() => undefined);
    }
  }
  throw lastError;
}

const startWithinMs = 20_000;

abstract class PrivateRedis {
  readonly url: string;

  constructor(
    readonly port: number,
    protected readonly options: RedisOptions,
  ) {
    this.url = `redis://127.0.0.1:${port}`;
  }

  async flushAll(): Promise<void> {
    await redisCommand(this.url, ['FLUSHALL'], 10_000);
  }

  async info(section = 'default'): Promise<ReadonlyMap<string, string>> {
    const text = await redisCommand(this.url, ['INFO', section]);
    const fields = text.split('\r\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return line.startsWith('#') || colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    });
    return new Map(fields);
  }

  protected settings(): string[] {
    const { maxmemory, appendonly, args } = this.options;
    return [
      ['--save', ''],
      appendonly ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'],
      maxmemory ? ['--maxmemory', maxmemory, '--maxmemory-policy', 'noeviction'] : [],
      args ?? [],
    ].flat();
  }

  protected async untilItAnswers(failed: () => string | undefined): Promise<void> {
    const deadline = Date.now() + startWithinMs;
    for (;;) {
      const reason = failed();
      if (reason !== undefined) throw new Error(`redis-server did not start:\n${reason}`);
      try {
        if ((await redisCommand(this.url, ['PING'], 1_000)) === 'PONG') return;
      } catch (error) {
        if (Date.now() > deadline) throw new Error('redis-server does not answer.', { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

class ProcessRedis extends PrivateRedis implements RedisServer {
  private folder: string | undefined;
  private process: SupervisedProcess | undefined;

  constructor(
    port: number,
    options: RedisOptions,
    private readonly binary: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    super(port, options);
  }

  get pid(): number {
    return this.process?.running ? this.process.pid : 0;
  }

  async pause(): Promise<void> {
    this.process?.signal('SIGSTOP');
  }

  async resume(): Promise<void> {
    this.process?.signal('SIGCONT');
  }

  async kill(): Promise<void> {
    this.process?.signal('SIGKILL');
    await this.process?.ended(5_000);
  }

  async stop(): Promise<void> {
    await this.process?.stop('SIGTERM');
    if (this.folder && !this.options.appendonly) this.removeFolder();
  }

  async restart(): Promise<void> {
    await this.process?.stop('SIGTERM');
    this.folder ??= mkdtempSync(join(tmpdir(), 'redstart-redis-'));
    const started = await SupervisedProcess.start({
      command: this.binary,
      args: ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder, ...this.settings()],
      env: { ...process.env, ...this.env },
      output: { file: join(this.folder, 'redis.log') },
      signalWhenOrphaned: 'KILL',
      removeWhenOrphaned: this.folder,
    });
    this.process = started;
    await this.untilItAnswers(() => (started.running ? undefined : started.lastOutput()));
    // Another server may have taken the port and answer in this one's place.
    if (Number((await this.info('server')).get('process_id')) !== started.pid) {
      throw new Error(`Port ${this.port} is another server's.`);
    }
  }

  private removeFolder(): void {
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
    this.folder = undefined;
  }
}

class ContainerRedis extends PrivateRedis implements RedisServer {
  private readonly name = `redstart-redis-${randomUUID()}`;
  private client: SupervisedProcess | undefined;
  private folder: string | undefined;
  private serverPid = 0;

  constructor(
    port: number,
    options: RedisOptions,
    private readonly image: string,
  ) {
    super(port, options);
  }

  get pid(): number {
    return this.client?.running ? this.serverPid : 0;
  }

  pause(): Promise<void> {
    return docker(['pause'], this.name);
  }

  resume(): Promise<void> {
    return docker(['unpause'], this.name);
  }

  kill(): Promise<void> {
    return this.end(['kill']);
  }

  async stop(): Promise<void> {
    if (!this.client?.running) return;
    // A paused container takes no signal.
    await this.resume().catch(() => undefined);
    await this.end(['stop', '--time', '5']);
  }

  async restart(): Promise<void> {
    await this.stop();
    this.folder ??= mkdtempSync(join(tmpdir(), 'redstart-redis-'));
    const client = await SupervisedProcess.start({
      command: 'docker',
      args: dockerRunArguments({
        name: this.name,
        image: this.image,
        port: this.port,
        data: this.options.appendonly ? this.folder : undefined,
        settings: this.settings(),
      }),
      output: { file: join(this.folder, 'redis.log') },
      signalWhenOrphaned: 'KILL',
      runWhenOrphaned: `docker rm --force ${this.name}`,
      removeWhenOrphaned: this.folder,
    });
    this.client = client;
    await this.untilItAnswers(() => (client.running ? undefined : client.lastOutput()));
    this.serverPid = Number((await this.info('server')).get('process_id'));
  }

  /** `docker run --rm` ends when the container has ended and is removed: its name is free again. */
  private async end(verb: readonly string[]): Promise<void> {
    if (!this.client?.running) return;
    await docker(verb, this.name);
    await this.client.ended(30_000);
  }
}
