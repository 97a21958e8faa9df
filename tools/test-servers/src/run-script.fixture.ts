import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { workspaceRoot } from './workspace.js';

/** Runs a program in a process of its own that prints one line of JSON once it is ready. For tests that kill it. */
export function runScript<T>(
  script: string,
  args: readonly string[] = [],
): Promise<{ result: T; pid: number; kill(): Promise<void> }> {
  const child = spawn(
    'node',
    [
      ...['-C', '@redstart/source', '--import', '@swc-node/register/esm-register'],
      ...['--input-type=module', '-e', script, ...args],
    ],
    {
      cwd: join(workspaceRoot, 'tools/test-servers'),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', SWC_NODE_PROJECT: join(workspaceRoot, 'tsconfig.base.json') },
    },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    let output = '';
    let errors = '';
    child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      if (!output.includes('\n')) return;
      resolve({
        result: JSON.parse(output.slice(0, output.indexOf('\n'))) as T,
        pid: child.pid ?? 0,
        kill: async () => {
          child.kill('SIGKILL');
          await ended;
        },
      });
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`It ended with ${code}:\n${errors}`)));
  });
}
