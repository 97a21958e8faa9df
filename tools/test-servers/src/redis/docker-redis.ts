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

/** A container, started through Testcontainers (its reaper removes the container when this process is gone). */
export interface RedisContainer {
  readonly id: string;
  readonly port: number;
  /** Runs `docker <verb> <id>`. */
  docker(...verb: string[]): Promise<void>;
  remove(): Promise<void>;
}

export async function startRedisContainer(options: {
  readonly image: string;
  readonly args: readonly string[];
  readonly port: number;
}): Promise<RedisContainer> {
  // Only loaded where it is used: it is large.
  const { GenericContainer } = await import('testcontainers');
  const container = await new GenericContainer(options.image)
    .withCommand(['redis-server', ...options.args])
    .withExposedPorts({ container: 6379, host: options.port })
    .start();
  const id = container.getId();
  return {
    id,
    port: options.port,
    docker: async (...verb) => {
      await run('docker', [...verb, id], 30_000);
    },
    remove: async () => {
      await container.stop({ remove: true, timeout: 1 });
    },
  };
}
