import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setInterval } from 'node:timers';
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

/** `npm start` that is killed outright takes its scripts along: nobody is left who would hold its ports. */
function followNpm(child) {
  if (!process.env.npm_lifecycle_event) return;
  const npm = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === npm) return;
    child.kill('SIGKILL');
    process.exit(1);
  }, 250);
  timer.unref();
}
