import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { temporaryDataFolder } from './data-folder.js';
import { Postmaster } from './postmaster.js';

/** A private PostgreSQL on the loopback interface. It ends with the process that started it. */
export interface PostgresServer {
  /** Of the database `postgres`, as the superuser. Stays the same over `restart()`. */
  readonly url: string;
  readonly port: number;
  /** Of the postmaster; 0 while there is none. */
  readonly pid: number;
  /** SIGSTOP to all its processes: connections stay open, nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** SIGKILL to all its processes. What was committed is there after `restart()`. */
  kill(): Promise<void>;
  /** An orderly end that breaks the clients' connections. `restart()` starts it again. */
  stop(): Promise<void>;
  /** Starts it again on its port and data. */
  restart(): Promise<void>;
  /** Stops it and deletes its data. */
  remove(): Promise<void>;
}

export interface PostgresOptions {
  /** More settings of the server: `['max_connections=20']`. */
  readonly settings?: readonly string[];
}

/** Nothing waits for the disk: a test's data outlives kill -9 of the server, not the machine's end. */
const forTests = [
  ...['fsync=off', 'full_page_writes=off', 'shared_buffers=32MB', 'max_connections=200'],
  ...['min_wal_size=32MB', 'max_wal_size=256MB', 'autovacuum_naptime=60s', 'max_logical_replication_workers=0'],
  ...['log_checkpoints=off', 'log_min_messages=error', 'log_min_error_statement=panic'],
];

/** Starts a private server for tests: about 0.2 s, after 0.5 s the first time ever. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = await temporaryDataFolder();
  let lastError: unknown;
  // Between choosing a free port and listening, another process may take it.
  for (let attempt = 0; attempt < 3; attempt++) {
    const server = new PrivatePostgres(await freePort(), folder, options.settings ?? []);
    try {
      await server.restart();
      return server;
    } catch (error) {
      lastError = error;
    }
  }
  rmSync(folder.root, { recursive: true, force: true });
  throw lastError;
}

class PrivatePostgres implements PostgresServer {
  readonly url: string;
  private postmaster: Postmaster | undefined;

  constructor(
    readonly port: number,
    private readonly folder: { readonly root: string; readonly data: string },
    private readonly settings: readonly string[],
  ) {
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  }

  get pid(): number {
    return this.postmaster?.pid ?? 0;
  }

  async pause(): Promise<void> {
    this.postmaster?.pause();
  }

  async resume(): Promise<void> {
    this.postmaster?.resume();
  }

  async kill(): Promise<void> {
    await this.postmaster?.kill();
  }

  async stop(): Promise<void> {
    await this.postmaster?.stop('fast');
  }

  async restart(): Promise<void> {
    await this.stop();
    this.postmaster = await Postmaster.start({
      data: this.folder.data,
      port: this.port,
      logFile: join(this.folder.root, 'postgres.log'),
      settings: [...forTests, ...this.settings],
      orphanShutdown: 'immediate',
      removeWhenOrphaned: this.folder.root,
      adminUrl: this.url,
    });
  }

  async remove(): Promise<void> {
    await this.postmaster?.stop('immediate');
    rmSync(this.folder.root, { recursive: true, force: true });
  }
}
