import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const hasProc = existsSync('/proc/self/stat');

/** When a process began, in a form to compare only: with the pid it names one process for ever. Nothing when it is gone. */
export function startedAt(pid: number): string | undefined {
  if (!hasProc) return ps(['-o', 'lstart=', '-p', String(pid)])[0]?.trim() || undefined;
  const fields = procStat(pid);
  // A zombie (state Z) has ended and only waits to be reaped.
  return fields && fields[0] !== 'Z' ? fields[19] : undefined;
}

/** The program and arguments of a process, joined with blanks; empty when it is gone. */
export function commandLine(pid: number): string {
  if (!hasProc) return ps(['-o', 'command=', '-p', String(pid)])[0] ?? '';
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** The direct children of a process. */
export function childrenOf(pid: number): number[] {
  if (!hasProc) {
    return ps(['-A', '-o', 'pid=,ppid='])
      .map((line) => line.trim().split(/\s+/).map(Number))
      .flatMap(([child, parent]) => (parent === pid && child ? [child] : []));
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => Number(procStat(other)?.[1]) === pid);
}

/** The fields of /proc/PID/stat after the program's name, which may itself hold blanks: state, parent, … (proc(5)). */
function procStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function ps(args: string[]): string[] {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .filter(Boolean);
  } catch {
    return [];
  }
}
