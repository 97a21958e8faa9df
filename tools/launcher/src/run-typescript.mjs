import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { installIfMissing } from './install.mjs';
import { environmentWithNode24 } from './node-from-npm.mjs';
import { root } from './root.mjs';

/** Libraries from source, TypeScript with decorator metadata (esbuild and Node's own type stripping drop it). */
export const typescriptFlags = ['-C', '@redstart/source', '--import', '@swc-node/register/esm-register'];

/**
 * Installs what is missing, runs a TypeScript file on Node 24 and ends as it ends. Signals are passed on. The program
 * gets an IPC channel, whose end tells it that this process was killed.
 */
export function runTypeScript(file, args = []) {
  installIfMissing();
  const env = { ...environmentWithNode24(), SWC_NODE_PROJECT: join(root, 'tsconfig.base.json') };
  const child = spawn('node', [...typescriptFlags, join(root, file), ...args], {
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  followNpm(child);
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/**
 * npm runs its scripts through a shell. SIGTERM to npm ends that shell and does not come further: then the program is
 * asked to end here. SIGKILL to npm leaves the shell: then the program goes as if it had been killed as well, so that
 * nobody holds its ports when it is started again.
 */
function followNpm(child) {
  if (!process.env.npm_lifecycle_event) return;
  const shell = process.ppid;
  const npm = parentOf(shell);
  const timer = setInterval(() => {
    if (process.ppid !== shell) {
      clearInterval(timer);
      child.kill('SIGTERM');
    } else if (parentOf(shell) !== npm) {
      child.kill('SIGKILL');
      process.exit(1);
    }
  }, 250);
  timer.unref();
}

/** Nothing where there is no /proc: there only the shell is followed. */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
  } catch {
    return undefined;
  }
}
