import { BackendFault } from '@redstart/ports';
import type { z } from 'zod';
import { SettingsError } from '../settings/read-settings.js';
import type { ServiceDefinition } from './service-definition.js';
import { startService, type StartedService } from './start-service.js';

const SHUTDOWN_DEADLINE_MS = 10_000;

/** A `main.ts`: starts the service from the environment and stops it at SIGTERM or SIGINT. */
export async function runService<Schema extends z.ZodObject>(definition: ServiceDefinition<Schema>): Promise<void> {
  await runProcess(async () => {
    const service = await startService(definition, { env: process.env });
    process.stdout.write(`${definition.name} is ready: ${service.httpUrl}\n`);
    return service;
  });
}

/**
 * Runs what `start` gives until a signal; one handler a process. A failed start is one clear message and exit code 1;
 * a shutdown past its deadline is cut off.
 */
export async function runProcess(start: () => Promise<Pick<StartedService, 'close'>>): Promise<void> {
  let running: Pick<StartedService, 'close'>;
  try {
    running = await start();
  } catch (error) {
    process.stderr.write(`${startFailure(error)}\n`);
    process.exit(1);
  }
  const stop = () => {
    setTimeout(() => process.exit(1), SHUTDOWN_DEADLINE_MS).unref();
    running.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** What to tell of a start that failed: what to do where that is known, else the error with its stack. */
function startFailure(error: unknown): string {
  if (error instanceof SettingsError) return error.message;
  const { code, address, port } = (error ?? {}) as { code?: string; address?: string; port?: number };
  if (code === 'EADDRINUSE') {
    return `port ${port} on ${address} is taken by another process; stop it, or set PORT (and RPC_PORT) to free ones`;
  }
  if (code === 'EACCES' && port !== undefined)
    return `not allowed to listen on port ${port}; set PORT to one above 1023`;
  if (error instanceof BackendFault) {
    return `cannot start: ${error.message}; check that the server is up, and the URL that names it`;
  }
  // An error of ours with a code says what to do; a stack would only hide it.
  if (error instanceof Error && typeof code === 'string' && !('syscall' in error))
    return `cannot start: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
