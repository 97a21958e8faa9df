import { SupervisedProcess } from '@redstart/test-servers';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const KEPT_LINES = 200;
const READY_MS = 60_000;

/** One app as its own process, from source. It can be killed and started again, with other settings. */
export class ServiceProcess {
  private process: SupervisedProcess | undefined;
  private exited: Promise<void> = Promise.resolve();
  /** The last lines it wrote. */
  readonly output: string[] = [];

  constructor(
    readonly app: string,
    readonly url: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  get pid(): number {
    if (!this.process) throw new Error(`${this.app} does not run`);
    return this.process.pid;
  }

  get running(): boolean {
    return this.process !== undefined;
  }

  /** Resolves when it answers. `extra`: settings of this start only. */
  async start(extra: NodeJS.ProcessEnv = {}): Promise<void> {
    const started = await SupervisedProcess.start({
      command: process.execPath,
      args: [
        '-C',
        '@redstart/source',
        '--import',
        '@swc-node/register/esm-register',
        `${root}apps/${this.app}/src/main.ts`,
      ],
      env: { ...cleanEnvironment(), SWC_NODE_PROJECT: `${root}tsconfig.base.json`, ...this.env, ...extra },
      cwd: root,
      output: 'pipe',
      signalWhenOrphaned: 'KILL',
    });
    this.process = started;
    for (const stream of [started.stdout, started.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.keep(line));
    }
    this.exited = new Promise((resolve) =>
      started.onExit(() => {
        if (this.process === started) this.process = undefined;
        resolve();
      }),
    );
    await this.ready();
  }

  /** Resolves when it has gone, by itself or by a fault point. */
  async gone(): Promise<void> {
    await this.exited;
  }

  async kill(): Promise<void> {
    this.process?.signal('SIGKILL');
    await this.exited;
  }

  async stop(): Promise<void> {
    this.process?.signal('SIGTERM');
    await this.exited;
  }

  private async ready(): Promise<void> {
    const giveUpAt = Date.now() + READY_MS;
    for (;;) {
      const answer = await fetch(`${this.url}/health/live`).catch(() => undefined);
      if (answer?.ok) return;
      if (!this.process) throw new Error(`${this.app} ended at its start:\n${this.output.join('\n')}`);
      if (Date.now() > giveUpAt) throw new Error(`${this.app} is not ready:\n${this.output.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  private keep(line: string): void {
    this.output.push(line);
    if (this.output.length > KEPT_LINES) this.output.shift();
  }
}

/** Without Jest's own flags, which are not for the services. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, ...env } = process.env;
  return env;
}
