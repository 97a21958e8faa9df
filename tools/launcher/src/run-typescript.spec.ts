import { describe, expect, it, jest } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { startedAt } from '@redstart/test-servers';
import { isNewEnough } from './node-from-npm.mjs';
import { root } from './root.mjs';

jest.setTimeout(60_000);

interface Said {
  readonly pid: number;
  readonly node: string;
  readonly type: string;
}

/** Starts the launcher as `npm start` does, with a small program in the platform's place. */
async function launch(
  ...args: string[]
): Promise<{ launcher: ChildProcess; said: Said; code: Promise<number | null> }> {
  const script = `import { runTypeScript } from ${JSON.stringify(join(root, 'tools/launcher/src/run-typescript.mjs'))};
    runTypeScript('tools/launcher/src/obedient.fixture.ts', ${JSON.stringify(args)});`;
  const launcher = spawn('node', ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '', npm_lifecycle_event: '' },
  });
  const code = new Promise<number | null>((resolve) => launcher.once('close', (status) => resolve(status)));
  const said = await new Promise<Said>((resolve, reject) => {
    launcher.stdout?.once('data', (line: Buffer) => resolve(JSON.parse(line.toString()) as Said));
    launcher.once('exit', () => reject(new Error('It ended without a word.')));
  });
  return { launcher, said, code };
}

describe('runTypeScript', () => {
  it('runs on Node 24 with decorator metadata, and ends as the program ends', async () => {
    const { said, code } = await launch('end');
    expect(isNewEnough(said.node)).toBe(true);
    expect(said.type).toBe('Engine');
    expect(await code).toBe(3);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('passes %s on and waits for the program', async (signal) => {
    const { launcher, code, said } = await launch();
    launcher.kill(signal);
    expect(await code).toBe(7);
    expect(startedAt(said.pid)).toBeUndefined();
  });

  it('takes the program along when it is killed', async () => {
    const { launcher, said, code } = await launch();
    launcher.kill('SIGKILL');
    // `close` comes when nobody holds the output any more: the program is gone as well.
    await code;
    // The kernel closes its files a little before it is gone.
    for (let i = 0; i < 250 && startedAt(said.pid) !== undefined; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(startedAt(said.pid)).toBeUndefined();
  });
});
