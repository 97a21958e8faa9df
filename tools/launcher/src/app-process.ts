import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SupervisedProcess } from '@redstart/test-servers';
import { root } from './root.mjs';
import { typescriptFlags } from './run-typescript.mjs';

export interface AppOptions {
  readonly app: string;
  readonly env: NodeJS.ProcessEnv;
  /** Restarts at an edit of any file that it has imported. */
  readonly watch: boolean;
  readonly output: 'inherit' | 'pipe';
}

/** The file that an app starts from, or nothing when there is no such app. */
export function mainOf(app: string): string | undefined {
  const file = join(root, 'apps', app, 'src/main.ts');
  return /^[\w-]+$/.test(app) && existsSync(file) ? file : undefined;
}

/** Starts an app from source. It ends with this process. */
export async function startApp(options: AppOptions): Promise<SupervisedProcess> {
  const main = mainOf(options.app);
  if (!main) throw new Error(`No app "${options.app}": there is no apps/${options.app}/src/main.ts.`);
  const watch = options.watch ? ['--watch', '--watch-preserve-output'] : [];
  const app = await SupervisedProcess.start({
    command: 'node',
    args: [...watch, ...typescriptFlags, main],
    env: options.env,
    cwd: root,
    output: options.output,
    // In watch mode TERM, so that the watcher takes its child along.
    signalWhenOrphaned: options.watch ? 'TERM' : 'KILL',
  });
  app.ref();
  return app;
}
