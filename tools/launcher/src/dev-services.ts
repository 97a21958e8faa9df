import { createInterface } from 'node:readline';
import { type SupervisedProcess } from '@redstart/test-servers';
import { mainOf, startApp } from './app-process.js';
import { embeddedEnvironment, type EmbeddedEnvironment } from './embedded-environment.js';
import { onStopSignal } from './shutdown.js';

/** In the order in which they start: whom the others call comes first. */
const services = ['order-service', 'event-streaming', 'metrics-collector', 'api-gateway'].filter(mainOf);
const colours = [36, 33, 35, 32];
const width = Math.max(...services.map((name) => name.length));

const running = new Set<SupervisedProcess>();
let environment: EmbeddedEnvironment | undefined;
let stopping = false;

async function stop(signal: NodeJS.Signals, code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  environment?.announceClose();
  await Promise.all([...running].map((service) => service.stop(signal, 15_000)));
  await environment?.close();
  process.exit(code);
}

onStopSignal(
  (signal) => void stop(signal, 0),
  () => running.forEach((service) => service.signal('SIGKILL')),
);

try {
  environment = await embeddedEnvironment({
    env: process.env,
    redis: 'private-server',
    onPostgresLost: (lastOutput) => {
      process.stderr.write(`The embedded PostgreSQL ended by itself:\n${lastOutput}\n`);
      void stop('SIGTERM', 1);
    },
  });
  for (const [index, name] of services.entries()) {
    if (stopping) break;
    const service = await startApp({
      app: name,
      env: { SEED_DEMO: 'true', ...environment.env },
      watch: true,
      output: 'pipe',
    });
    running.add(service);
    const prefix = label(name, colours[index % colours.length] ?? 36);
    for (const [stream, target] of [
      [service.stdout, process.stdout],
      [service.stderr, process.stderr],
    ] as const) {
      if (stream) createInterface({ input: stream }).on('line', (line) => target.write(`${prefix} ${line}\n`));
    }
    service.onExit((code) => {
      running.delete(service);
      if (stopping) return;
      process.stderr.write(`${prefix} ended with ${code}; stopping the others.\n`);
      void stop('SIGTERM', code || 1);
    });
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  await stop('SIGTERM', 1);
}

function label(name: string, colour: number): string {
  const text = name.padEnd(width);
  const coloured = process.stdout.isTTY && !process.env.NO_COLOR;
  return coloured ? `\x1b[${colour}m${text}\x1b[0m |` : `${text} |`;
}
