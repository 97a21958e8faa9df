import { type SupervisedProcess } from '@redstart/test-servers';
import { mainOf, startApp } from './app-process.js';
import { embeddedEnvironment, type EmbeddedEnvironment } from './embedded-environment.js';
import { onStopSignal } from './shutdown.js';

export interface SingleAppOptions {
  readonly app: string;
  readonly watch: boolean;
  /** Settings for what the environment leaves open. */
  readonly defaults?: NodeJS.ProcessEnv;
  /** Called before the start, once the environment is known. */
  readonly announce?: (environment: EmbeddedEnvironment) => void;
}

/** Runs one app in the foreground on what `embeddedEnvironment` fills in, and ends this process as the app ends. */
export async function runSingleApp(options: SingleAppOptions): Promise<void> {
  if (!mainOf(options.app)) {
    process.stderr.write(`No app "${options.app}": there is no apps/${options.app}/src/main.ts.\n`);
    process.exit(1);
  }
  let app: SupervisedProcess | undefined;
  let environment: EmbeddedEnvironment | undefined;
  let stopped: NodeJS.Signals | undefined;
  const end = async (code: number) => {
    await environment?.close();
    process.exit(code);
  };
  onStopSignal(
    (signal) => {
      stopped = signal;
      environment?.announceClose();
      if (app) app.signal(signal);
      else void end(0);
    },
    () => app?.signal('SIGKILL'),
  );
  try {
    environment = await embeddedEnvironment({
      env: process.env,
      redis: 'memory',
      onPostgresLost: (lastOutput) => {
        process.stderr.write(`The embedded PostgreSQL ended by itself:\n${lastOutput}\n`);
        app?.signal('SIGTERM');
      },
    });
    options.announce?.(environment);
    if (stopped) return await end(0);
    const env = { ...options.defaults, ...environment.env };
    app = await startApp({ app: options.app, env, watch: options.watch, output: 'inherit' });
    app.onExit((code) => void end(code));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    await end(1);
  }
}
