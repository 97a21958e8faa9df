import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generate } from './generate.js';

const ACQUIRE = `#!lua flags=allow-oom
-- Takes a lease.
-- @key lock the holder
-- @key others... more of them
-- @arg token who asks: \`\${not a template}\` \\ "quoted"
-- @returns 1 taken
for index = 2, #KEYS do redis.call('DEL', KEYS[index]) end
return redis.call('SET', KEYS[1], ARGV[1], 'NX') and 1
`;

let root: string;
const write = (path: string, text: string) => writeFileSync(join(root, path), text);
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const run = (check = false) => generate({ root, scriptModule: 'script/script.js', check });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'redstart-lua-'));
  mkdirSync(join(root, 'lock'));
  write('lock/take-over.lua', ACQUIRE);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('generate', () => {
  it('makes a script that carries text, hash and names, and finds it right afterwards', () => {
    expect(run()).toEqual({ scripts: [join(root, 'lock/take-over.script.ts')], problems: [] });
    const made = read('lock/take-over.script.ts');
    expect(made).toContain('export const takeOverScript: Script<');
    expect(made).toContain("from '../script/script.js'");
    expect(made).toContain(createHash('sha1').update(ACQUIRE).digest('hex'));
    expect(made).toContain('allowOom: true');
    expect(run(true).problems).toEqual([]);
  });

  it('keeps the text of a script to the byte', () => {
    run();
    const literal = /source: (`[\s\S]*`),\n\};/.exec(read('lock/take-over.script.ts'))?.[1];
    expect(new Function(`return ${literal}`)()).toBe(ACQUIRE);
  });

  it('makes a missing, misspelt, surplus or wrongly shaped key or argument a type error', () => {
    run();
    const script = fileURLToPath(new URL('../../../libs/redis-adapters/src/script/script.ts', import.meta.url));
    mkdirSync(join(root, 'script'));
    write('script/script.ts', readFileSync(script, 'utf8'));
    write(
      'lock/use.ts',
      `import { scriptOperands } from '../script/script.js';
import { takeOverScript as script } from './take-over.script.js';
scriptOperands(script, { lock: 'a', others: ['b'] }, { token: 'c' });
// @ts-expect-error missing
scriptOperands(script, { lock: 'a' }, { token: 'c' });
// @ts-expect-error misspelt
scriptOperands(script, { look: 'a', others: [] }, { token: 'c' });
// @ts-expect-error surplus
scriptOperands(script, { lock: 'a', others: [] }, { token: 'c', ttlMs: 1 });
// @ts-expect-error not a list
scriptOperands(script, { lock: 'a', others: 'b' }, { token: 'c' });
`,
    );
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const types = fileURLToPath(new URL('../../../node_modules/@types', import.meta.url));
    const compiled = spawnSync(
      process.execPath,
      [
        tsc,
        ...['--noEmit', '--ignoreConfig', '--strict', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck'],
        ...['--typeRoots', types, '--types', 'node', join(root, 'lock/use.ts')],
      ],
      { encoding: 'utf8' },
    );
    expect(compiled.stdout).toBe('');
    expect(compiled.status).toBe(0);
  }, 30_000);

  it('with check, finds what was edited, is missing, or was left over', () => {
    expect(run(true).problems).toEqual([
      expect.stringContaining('lock/take-over.lua: its .script.ts is not what the file says'),
    ]);
    run();
    write('lock/take-over.lua', ACQUIRE.replace("'NX'", "'XX'"));
    expect(run(true).problems).toHaveLength(1);
    run();
    rmSync(join(root, 'lock/take-over.lua'));
    expect(run(true).problems).toEqual(['lock/take-over.script.ts: there is no .lua it was made from']);
  });

  it('names the file of an undeclared key, and writes nothing for it', () => {
    write('lock/take-over.lua', ACQUIRE.replace("'DEL', KEYS[index]", "'DEL', 'rs:lock:fence'"));
    expect(run()).toEqual({
      scripts: [],
      problems: ["lock/take-over.lua: DEL takes the key 'rs:lock:fence', a literal: declare it as @key"],
    });
    expect(() => read('lock/take-over.script.ts')).toThrow('ENOENT');
  });
});

describe('lua-codegen --check', () => {
  const command = (...args: string[]) =>
    spawnSync(
      process.execPath,
      [
        ...['--import', '@swc-node/register/esm-register'],
        ...[fileURLToPath(new URL('main.ts', import.meta.url)), '--root', root, ...args],
      ],
      {
        encoding: 'utf8',
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    );

  it('ends with 1 on drift and with 0 without', () => {
    expect(command('--check')).toMatchObject({ status: 1, stderr: expect.stringContaining('lock/take-over.lua') });
    expect(command()).toMatchObject({ status: 0, stderr: '' });
    expect(command('--check')).toMatchObject({ status: 0, stderr: '' });
  }, 30_000);
});

describe('the scripts of redis-adapters', () => {
  it('are as their .lua says', () => {
    const adapters = fileURLToPath(new URL('../../../libs/redis-adapters/src', import.meta.url));
    expect(generate({ root: adapters, scriptModule: 'script/script.js', check: true }).problems).toEqual([]);
  });
});
