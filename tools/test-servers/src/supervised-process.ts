import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { type Readable } from 'node:stream';

export interface SupervisedOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** A file to append to; or, through the same terminal, our own output; or streams to read. */
  readonly output: { readonly file: string } | 'inherit' | 'pipe';
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** What the server gets when the process that started it is gone, whatever ended that process. */
  readonly signalWhenOrphaned: 'TERM' | 'INT' | 'QUIT' | 'KILL';
  /** A folder of this server alone, removed after that. */
  readonly removeWhenOrphaned?: string;
  /** A command line for the shell, run before and after the signal: for what a signal to this process cannot end. */
  readonly runWhenOrphaned?: string;
}

/**
 * A shell that holds the reading end of a pipe from us. The kernel closes our end when we end, by whatever cause, also
 * by SIGKILL: so a server never outlives its test, without exit handlers (which Jest's sandbox does not run) and
 * without a list of pids that might have gone to others by then.
 */
const supervise = `
signal=$1 folder=$2 command=$3; shift 3
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
pid=$!
echo "$pid" >&3
(
  trap 'exit 0' TERM
  exec 3>&-
  read -r _ <&4
  trap '' TERM
  [ -z "$command" ] || sh -c "$command"
  kill -s "$signal" "$pid"; kill -s CONT "$pid"
  [ -z "$command" ] || { sleep 1; sh -c "$command"; }
  [ -n "$folder" ] || exit 0
  tries=0
  while kill -0 "$pid" && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
  rm -rf "$folder"
) >/dev/null 2>&1 &
watcher=$!
exec 3>&- 4<&-
wait "$pid"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/** A server process that ends with the process that started it. */
export class SupervisedProcess {
  private constructor(
    /** The server's own pid, not the supervising shell's. */
    readonly pid: number,
    private readonly supervisor: ChildProcess,
    private readonly logFile: string | undefined,
  ) {}

  static async start(options: SupervisedOptions): Promise<SupervisedProcess> {
    const logFile = typeof options.output === 'object' ? options.output.file : undefined;
    const log = logFile === undefined ? (options.output as 'inherit' | 'pipe') : openSync(logFile, 'a');
    try {
      const supervisor = spawn(
        '/bin/sh',
        [
          ...['-c', supervise, 'sh', options.signalWhenOrphaned, options.removeWhenOrphaned ?? ''],
          options.runWhenOrphaned ?? '',
          ...[options.command, ...options.args],
        ],
        {
          // A session of its own: Ctrl-C reaches the program that uses the server, which then stops it in order.
          detached: true,
          stdio: ['pipe', log, log, 'pipe'],
          env: options.env ?? process.env,
          cwd: options.cwd,
          uid: options.uid,
          gid: options.gid,
        },
      );
      supervisor.unref();
      supervisor.stdin?.on('error', () => undefined);
      (supervisor.stdin as unknown as { unref(): void }).unref();
      const pid = await readPid(supervisor);
      return new SupervisedProcess(pid, supervisor, logFile);
    } finally {
      if (typeof log === 'number') closeSync(log);
    }
  }

  get running(): boolean {
    return this.supervisor.exitCode === null && this.supervisor.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    // Only while the supervisor has not reaped it: after that the pid may be another's.
    if (this.running) trySignal(this.pid, signal);
  }

  /** Resolves when the process has ended; false when it still runs after `withinMs`. */
  async ended(withinMs: number): Promise<boolean> {
    if (!this.running) return true;
    return new Promise((resolve) => {
      const done = (ended: boolean) => {
        clearTimeout(timer);
        this.supervisor.off('exit', onExit);
        resolve(ended);
      };
      const onExit = () => done(true);
      const timer = setTimeout(() => done(false), withinMs);
      this.supervisor.once('exit', onExit);
      if (!this.running) done(true);
    });
  }

  /** With the exit code as a shell gives it: 128 and the signal's number when a signal ended the process. */
  onExit(listener: (code: number) => void): void {
    this.supervisor.once('exit', (code, signal) => listener(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  }

  /** With `output: 'pipe'`. */
  get stdout(): Readable | null {
    return this.supervisor.stdout;
  }

  get stderr(): Readable | null {
    return this.supervisor.stderr;
  }

  /** Keeps this process alive as long as the other one: by default it is not. */
  ref(): void {
    this.supervisor.ref();
  }

  /** Asks it to end, and insists after `withinMs`. */
  async stop(signal: NodeJS.Signals, withinMs = 10_000): Promise<void> {
    this.signal(signal);
    this.signal('SIGCONT');
    if (await this.ended(withinMs)) return;
    this.signal('SIGKILL');
    await this.ended(5_000);
  }

  /** The last lines the server wrote, for an error message. */
  lastOutput(lines = 15): string {
    try {
      return readFileSync(this.logFile ?? '', 'utf8')
        .trimEnd()
        .split('\n')
        .slice(-lines)
        .join('\n');
    } catch {
      return '';
    }
  }
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readPid(supervisor: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const pipe = supervisor.stdio[3] as Readable;
    let text = '';
    pipe.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes('\n')) return;
      pipe.destroy();
      resolve(Number.parseInt(text, 10));
    });
    supervisor.once('error', reject);
    supervisor.once('exit', (code) => reject(new Error(`The supervising shell ended with ${code}.`)));
  });
}
