import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FaultPoints } from './fault-points.js';

const source = fileURLToPath(new URL('./fault-points.ts', import.meta.url));
const log = () => join(mkdtempSync(join(tmpdir(), 'fault-points-')), 'log');

/** Hits a point three times in a process of its own, saying each time that it lived on. */
function run(env: Record<string, string>) {
  const program = `
    import { FaultPoints } from ${JSON.stringify(source)};
    const { hit } = FaultPoints.fromEnv(process.env);
    for (const n of [1, 2, 3]) { hit('a.point'); process.stdout.write(String(n)); }`;
  const args = ['--import', '@swc-node/register/esm-register', '--input-type=module', '-e', program];
  return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', ...env } });
}

describe('fault points', () => {
  it('kills the process at the hit that is armed, and says so in the log first', () => {
    const file = log();
    const killed = run({ NODE_ENV: 'test', FAULT_POINTS: 'a.point:2', FAULT_LOG: file });
    expect({ signal: killed.signal, out: killed.stdout }).toEqual({ signal: 'SIGKILL', out: '1' });
    expect(readFileSync(file, 'utf8')).toMatch(/^a\.point 2 \d+\n$/);
  }, 30_000);

  it('kills once: a restart with the same environment lives on', () => {
    const file = log();
    writeFileSync(file, 'a.point 2 4711\n');
    const lives = run({ NODE_ENV: 'test', FAULT_POINTS: 'a.point:2', FAULT_LOG: file });
    expect({ status: lives.status, out: lives.stdout }).toEqual({ status: 0, out: '123' });
  }, 30_000);

  it('does nothing at a point that is not armed', () => {
    const points = FaultPoints.fromEnv({ NODE_ENV: 'test', FAULT_POINTS: 'another.point', FAULT_LOG: log() });
    expect(() => points.hit('a.point')).not.toThrow();
    expect(() => FaultPoints.fromEnv({}).hit('a.point')).not.toThrow();
  });

  it.each([
    [{ FAULT_POINTS: 'a.point', FAULT_LOG: 'x' }, 'NODE_ENV=test'],
    [{ FAULT_POINTS: 'a.point', FAULT_LOG: 'x', NODE_ENV: 'production' }, 'NODE_ENV=test'],
    [{ FAULT_POINTS: 'a.point', NODE_ENV: 'test' }, 'FAULT_LOG'],
    [{ FAULT_POINTS: 'a.point:0', FAULT_LOG: 'x', NODE_ENV: 'test' }, 'a.point:0'],
  ])('refuses %j', (env, message) => {
    expect(() => FaultPoints.fromEnv(env)).toThrow(message);
  });
});
