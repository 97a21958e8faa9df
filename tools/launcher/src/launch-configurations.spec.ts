import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { lineOf, stopAt } from './debugger.fixture.js';
import { root } from './root.mjs';

jest.setTimeout(120_000);

interface Configuration {
  readonly name: string;
  readonly runtimeExecutable: string;
  readonly runtimeArgs: readonly string[];
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Record<string, string>;
}

const launch = JSON.parse(readFileSync(join(root, '.vscode/launch.json'), 'utf8')) as {
  configurations: Configuration[];
  inputs: { id: string; options: string[] }[];
};

describe('the debugger, as .vscode/launch.json starts it, stops at a breakpoint in a TypeScript file', () => {
  let dataFolder: string;
  beforeEach(() => {
    dataFolder = mkdtempSync(join(tmpdir(), 'redstart-debug-'));
  });
  // The PostgreSQL below it may still be on its way down.
  afterEach(() => rmSync(dataFolder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 }));

  function commandOf(name: string, values: Record<string, string>) {
    const configuration = launch.configurations.find((each) => each.name === name);
    if (!configuration) throw new Error(`No configuration "${name}".`);
    const fill = (text: string) => text.replaceAll(/\$\{([^}]+)\}/g, (_, key: string) => values[key] ?? `?${key}?`);
    const { runtimeExecutable, runtimeArgs, program, args, cwd, env } = configuration;
    return {
      program: fill(runtimeExecutable),
      args: [...runtimeArgs, program, ...args].map(fill),
      cwd: fill(cwd),
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        // Not the machine's Node 24, if it has one: what the configuration names must do.
        PATH: '/usr/local/bin:/usr/bin:/bin',
        DATA_DIR: dataFolder,
        PORT: '0',
        RPC_PORT: '0',
        ...Object.fromEntries(Object.entries(env ?? {}).map(([key, value]) => [key, fill(value)])),
      },
    };
  }

  const lib = join(root, 'libs/service-kit/src/service/start-service.ts');

  it('all in one', async () => {
    const line = lineOf(lib, 'return {');
    const command = commandOf('All in one', { workspaceFolder: root });
    expect(await stopAt(command, lib, line)).toBe(line);
  });

  it('one service', async () => {
    const line = lineOf(lib, 'return {');
    const command = commandOf('One service', { workspaceFolder: root, 'input:service': 'order-service' });
    expect(await stopAt(command, lib, line)).toBe(line);
  });

  it('offers every service that there is', () => {
    const offered = launch.inputs.find(({ id }) => id === 'service')?.options ?? [];
    const services = readdirSync(join(root, 'apps')).filter((name) => !name.startsWith('.') && name !== 'all-in-one');
    expect([...offered].sort()).toEqual(services.sort());
  });

  it('the current test', async () => {
    const file = join(root, 'tools/launcher/src/administrator.spec.ts');
    const line = lineOf(file, 'expect(');
    const command = commandOf('Current test', { workspaceFolder: root, file, fileDirname: dirname(file) });
    expect(await stopAt(command, file, line)).toBe(line);
  });
});
