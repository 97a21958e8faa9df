import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { childrenOf, commandLine, startedAt } from '../process-table.js';
import { SupervisedProcess } from '../supervised-process.js';
import { postgresInvocation } from './unprivileged.js';

export interface PostmasterOptions {
  readonly data: string;
  readonly port: number;
  readonly logFile: string;
  readonly settings: readonly string[];
  /** `fast` (INT): finishes the checkpoint. `immediate` (QUIT): for data that nobody needs again. */
  readonly orphanShutdown: 'fast' | 'immediate';
  readonly removeWhenOrphaned?: string;
  /** For the question whether it is ready. */
  readonly adminUrl: string;
}

const startWithinMs = 60_000;

/** One run of PostgreSQL on a data folder. */
export class Postmaster {
  private constructor(private readonly process: SupervisedProcess) {}

  static async start(options: PostmasterOptions): Promise<Postmaster> {
    removeStalePidFile(options.data);
    const { command, spawnOptions } = postgresInvocation();
    const settings = [
      `port=${options.port}`,
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'logging_collector=off',
      ...options.settings,
    ];
    const args = ['-D', options.data, ...settings.flatMap((setting) => ['-c', setting])];
    const deadline = Date.now() + startWithinMs;
    for (;;) {
      const process = await SupervisedProcess.start({
        ...command('postgres', args),
        ...spawnOptions,
        // Not the folder we are in: the other user id may not be allowed to stand there.
        cwd: '/',
        output: { file: options.logFile },
        signalWhenOrphaned: options.orphanShutdown === 'fast' ? 'INT' : 'QUIT',
        removeWhenOrphaned: options.removeWhenOrphaned,
      });
      const ready = await untilReady({ process, adminUrl: options.adminUrl, deadline });
      if (ready) return new Postmaster(process);
      const output = process.lastOutput();
      await process.stop('SIGQUIT', 5_000);
      // After a kill -9 the last backends of the run before may need a moment to notice and go.
      const waits = output.includes('pre-existing shared memory block') && Date.now() < deadline;
      if (!waits) throw new Error(`PostgreSQL did not start:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  get pid(): number {
    return this.process.running ? this.process.pid : 0;
  }

  onExit(listener: () => void): void {
    this.process.onExit(listener);
  }

  lastOutput(): string {
    return this.process.lastOutput();
  }

  /** Stops the postmaster first, so that it starts no new child meanwhile. */
  pause(): void {
    this.process.signal('SIGSTOP');
    this.signalChildren('SIGSTOP');
  }

  resume(): void {
    this.signalChildren('SIGCONT');
    this.process.signal('SIGCONT');
  }

  async kill(): Promise<void> {
    if (!this.process.running) return;
    this.process.signal('SIGSTOP');
    const children = childrenOf(this.process.pid).map((pid) => ({ pid, since: startedAt(pid) }));
    this.process.signal('SIGKILL');
    for (const { pid } of children) kill(pid, 'SIGKILL');
    await this.process.ended(5_000);
    // A new server refuses the data folder while one of them still holds its shared memory.
    const deadline = Date.now() + 5_000;
    while (children.some(({ pid, since }) => since && startedAt(pid) === since) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(how: 'fast' | 'immediate'): Promise<void> {
    if (!this.process.running) return;
    this.resume();
    await this.process.stop(how === 'fast' ? 'SIGINT' : 'SIGQUIT', 30_000);
  }

  private signalChildren(signal: NodeJS.Signals): void {
    if (!this.process.running) return;
    for (const pid of childrenOf(this.process.pid)) kill(pid, signal);
  }
}

async function untilReady(options: {
  process: SupervisedProcess;
  adminUrl: string;
  deadline: number;
}): Promise<boolean> {
  while (options.process.running && Date.now() < options.deadline) {
    const client = new pg.Client({ connectionString: options.adminUrl, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 15));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  return false;
}

export interface RunningPostmaster {
  readonly pid: number;
  readonly port: number;
}

/** The server that runs on a data folder by PostgreSQL's own pid file, if that process is one indeed. */
export function runningPostmaster(data: string): RunningPostmaster | undefined {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!(pid > 0) || startedAt(pid) === undefined) return undefined;
  const command = commandLine(pid);
  return command.includes('postgres') && command.includes(data) ? { pid, port } : undefined;
}

/**
 * PostgreSQL replaces the pid file of a server that was killed, unless that pid is another program's by now (after a
 * restart of the machine or in a container, where pids are few): then it refuses to start.
 */
function removeStalePidFile(data: string): void {
  if (!runningPostmaster(data)) rmSync(join(data, 'postmaster.pid'), { force: true });
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
