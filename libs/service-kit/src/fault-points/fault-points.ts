import { appendFileSync, readFileSync } from 'node:fs';

interface Armed {
  /** The hit that kills, from 1. */
  nth: number;
  hits: number;
}

/**
 * Named points at which a test kills the process, to prove what survives a kill -9 there.
 *
 * `FAULT_POINTS=order-service.after-charge:3,relay.after-append-before-mark` arms points, each with the hit that kills
 * (default: the first). At that hit one line `<point> <hit> <pid>` is appended to the file named by `FAULT_LOG` and the
 * process sends itself SIGKILL: no handler runs, nothing is flushed. A point kills once: one that the log already names
 * is not armed again, so a restarted process with the same environment lives on.
 */
export class FaultPoints {
  static readonly none = new FaultPoints(new Map(), '');

  /**
   * @throws Error when `FAULT_POINTS` is set outside `NODE_ENV=test`, is malformed, or names no log: a process that
   * could kill itself in production must not start
   */
  static fromEnv(env: NodeJS.ProcessEnv): FaultPoints {
    const setting = env['FAULT_POINTS'];
    if (!setting) return FaultPoints.none;
    if (env['NODE_ENV'] !== 'test') throw new Error('FAULT_POINTS is for tests only: it needs NODE_ENV=test');
    const log = env['FAULT_LOG'];
    if (!log) throw new Error('FAULT_POINTS needs FAULT_LOG, the file that says which points were hit');
    const fired = new Set(linesOf(log).map((line) => line.split(' ')[0]));
    const armed = new Map<string, Armed>();
    for (const part of setting.split(',')) {
      const match = /^\s*([a-z0-9.-]+)(?::([1-9]\d*))?\s*$/.exec(part);
      if (!match?.[1]) throw new Error(`FAULT_POINTS: "${part}" is not <point> or <point>:<hit>`);
      if (!fired.has(match[1])) armed.set(match[1], { nth: Number(match[2] ?? 1), hits: 0 });
    }
    return new FaultPoints(armed, log);
  }

  private constructor(
    private readonly armed: Map<string, Armed>,
    private readonly log: string,
  ) {}

  /** Does nothing unless this point is armed and this is its hit; then it does not return. */
  readonly hit = (point: string): void => {
    const armed = this.armed.get(point);
    if (!armed || ++armed.hits !== armed.nth) return;
    // Synchronous on purpose: the line must be in the file before the process is gone.
    appendFileSync(this.log, `${point} ${armed.hits} ${process.pid}\n`);
    process.kill(process.pid, 'SIGKILL');
    // The signal is delivered asynchronously; not one more instruction of the caller may run.
    for (;;);
  };
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
