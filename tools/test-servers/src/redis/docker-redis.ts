import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { onPath } from '../on-path.js';

const execute = promisify(execFile);

/** With our own PATH: in Jest's sandbox, `process.env` is not what child processes get by default. */
function run(command: string, args: readonly string[], timeoutMs: number): Promise<unknown> {
  return execute(command, args, { timeout: timeoutMs, env: process.env });
}

const images = ['redis:8', 'redis:7', 'redis:8-bookworm', 'redis:7-bookworm'];

/** An image to start Redis from, when a Docker daemon answers: one that is there, else one that can be pulled. */
export async function dockerRedisImage(): Promise<string | undefined> {
  if (!onPath('docker')) return undefined;
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], 2_000);
  } catch {
    return undefined;
  }
  for (const image of images) {
    if (await succeeds('docker', ['image', 'inspect', image], 5_000)) return image;
  }
  for (const image of ['redis:8', 'redis:7']) {
    if (await succeeds('docker', ['pull', '--quiet', image], 120_000)) return image;
  }
  return undefined;
}

async function succeeds(command: string, args: string[], timeoutMs: number): Promise<boolean> {
  return run(command, args, timeoutMs).then(
    () => true,
    () => false,
  );
}

/** Runs `docker VERB… NAME`. */
export async function docker(verb: readonly string[], name: string): Promise<void> {
  await run('docker', [...verb, name], 30_000);
}

/**
 * The command that runs Redis in a container in the foreground, published on the loopback interface alone: a Redis that
 * other machines reach can be made to run anything.
 */
export function dockerRunArguments(options: {
  readonly name: string;
  readonly image: string;
  readonly port: number;
  /** A folder of this machine for the server's files, where they are to outlive a run. */
  readonly data?: string;
  readonly settings: readonly string[];
}): string[] {
  const { name, image, port, data, settings } = options;
  return [
    ...['run', '--rm', '--name', name, '--publish', `127.0.0.1:${port}:6379`],
    ...(data ? ['--volume', `${data}:/data`] : []),
    // Protected mode would refuse the bridge from which the published port's connections come.
    ...[image, 'redis-server', '--protected-mode', 'no', '--bind', '0.0.0.0', '--dir', '/data', ...settings],
  ];
}
