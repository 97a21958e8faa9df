import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { admin, startPlatform, type Platform } from './platform/platform.js';
import { Records } from './platform/records.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const fixture = `${root}tools/replay/fixtures/cancellations.csv`;

describe('the replay', () => {
  let platform: Platform;
  let records: Records;
  beforeAll(async () => {
    platform = await startPlatform();
    records = await Records.open(platform.database.url);
  });
  afterAll(async () => {
    await records?.close();
    await platform?.close();
  });

  const replay = (args: string[], env: NodeJS.ProcessEnv = {}) =>
    new Promise<{ code: number | null; figures: Record<string, number>; stderr: string }>((resolve) => {
      const child = spawn(
        process.execPath,
        ['--import', '@swc-node/register/esm-register', `${root}tools/replay/src/main.ts`, ...args],
        {
          cwd: root,
          env: {
            PATH: process.env['PATH'],
            SWC_NODE_PROJECT: `${root}tsconfig.base.json`,
            ADMIN_EMAIL: admin.email,
            ADMIN_PASSWORD: admin.password,
            ...env,
          },
        },
      );
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk) => (stdout += chunk));
      child.stderr.on('data', (chunk) => (stderr += chunk));
      child.on('close', (code) => {
        const lines = stdout.split('\n').flatMap((line) => /^([a-z ]+): ([\d.]+)$/.exec(line) ?? []);
        const figures: Record<string, number> = {};
        for (let i = 0; i < lines.length; i += 3) figures[lines[i + 1]!] = Number(lines[i + 2]);
        resolve({ code, figures, stderr });
      });
    });

  const expected = { invoices: 11, placed: 5, cancelled: 2, unmatched: 3, empty: 1, 'left out': 2, failed: 0 };

  it('cancels what is cancelled in full, once, the latest of two alike, and nothing earlier or partial', async () => {
    const first = await replay([fixture, '--url', platform.gateway.url, '--concurrency', '4']);
    expect(first.stderr).not.toMatch(/invoice \d+:/);
    expect(first).toMatchObject({ code: 0, figures: expected });
    expect(first.figures['delivered']).toBeGreaterThanOrEqual(3);
    const { cancelled, delivered } = await records.orders();
    expect({ cancelled, delivered }).toEqual({ cancelled: 2, delivered: 3 });
  });

  it('a second time places nothing again', async () => {
    const second = await replay([fixture, '--url', platform.gateway.url]);
    expect(second).toMatchObject({ code: 0, figures: expected });
    expect(await records.orders()).toEqual({ cancelled: 2, delivered: 3 });
    expect((await records.ledger()).amount).toBe(2 * 150 + 10 * 85 + 300);
  });

  it.each([
    ['no file', [], {}, /usage: npm run replay/],
    ['a file that is not there', ['no-such.csv'], {}, /cannot read no-such\.csv/],
    ['a file of something else', [`${root}package.json`], {}, /not well-formed CSV|lacks the column/],
    ['a wrong number', [fixture, '--limit', 'few'], {}, /--limit is "few", not a whole number/],
    ['a wrong password', [fixture], { ADMIN_PASSWORD: 'wrong' }, /does not know the administrator/],
  ])('says what to do about %s', async (_what, args, env, message) => {
    const { code, stderr } = await replay([...args, '--url', platform.gateway.url], env);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
