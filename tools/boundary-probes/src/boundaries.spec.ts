import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mirrorWith, root } from './mirror.js';
import { probes } from './probes.js';

jest.setTimeout(120_000);

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
  readonly cycle?: readonly { readonly name: string }[];
}

const env = { ...process.env, NODE_OPTIONS: '', NX_DAEMON: 'false' };

describe('the boundaries between projects and folders', () => {
  let byEslint: Record<string, string[]>;
  let byDependencyCruiser: Map<string, Set<string>>;
  let mirror: string;

  beforeAll(() => {
    byEslint = JSON.parse(
      execFileSync('node', [join(root, 'tools/boundary-probes/src/lint-probes.mjs')], {
        cwd: root,
        env,
        encoding: 'utf8',
        input: JSON.stringify(probes.map(({ file, code }) => ({ file, code: lintedCode(file, code) }))),
      }),
    ) as Record<string, string[]>;
    mirror = mirrorWith(probes);
    byDependencyCruiser = cruise(mirror);
  });
  afterAll(() => rmSync(mirror, { recursive: true, force: true }));

  const refused = probes.filter(({ refusedBy }) => Object.keys(refusedBy).length > 0);
  const allowed = probes.filter(({ refusedBy }) => Object.keys(refusedBy).length === 0);

  it.each(refused)('refuse $title', ({ file, refusedBy }) => {
    if (refusedBy.eslint) expect(byEslint[file]).toContain(refusedBy.eslint);
    if (refusedBy.dependencyCruiser) {
      expect([...(byDependencyCruiser.get(file) ?? [])]).toContain(refusedBy.dependencyCruiser);
    }
  });

  it.each(allowed)('$title', ({ file }) => {
    expect(byEslint[file]).toEqual([]);
    expect([...(byDependencyCruiser.get(file) ?? [])]).toEqual([]);
  });

  it('are probed one by one: each rule of dependency-cruiser has a probe that it refuses', async () => {
    const config = (await import(join(root, '.dependency-cruiser.mjs'))) as {
      default: { forbidden: { name: string }[] };
    };
    const probed = new Set(probes.map(({ refusedBy }) => refusedBy.dependencyCruiser));
    const unprobed = config.default.forbidden.map(({ name }) => name).filter((name) => !probed.has(name));
    expect(unprobed).toEqual([]);
  });

  it('know the own file of every port', async () => {
    const { portsOwnFile } = (await import(join(root, '.dependency-cruiser.mjs'))) as { portsOwnFile: string };
    const ports = readdirSync(join(root, 'libs/ports/src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !['call', 'eventually', 'faulty'].includes(entry.name))
      .map(({ name }) => name);
    const own = ports.map((port) =>
      readdirSync(join(root, 'libs/ports/src', port)).filter((file) =>
        new RegExp(portsOwnFile).test(`libs/ports/src/${port}/${file}`),
      ),
    );
    expect(ports.length).toBeGreaterThanOrEqual(8);
    expect(own.map((files) => files.length)).toEqual(ports.map(() => 1));
  });
});

/** A probe in a file that exists is that file and the import. */
function lintedCode(file: string, code: string): string {
  const path = join(root, file);
  return existsSync(path) ? `${readFileSync(path, 'utf8')}\n${code}\n` : `${code}\n`;
}

function cruise(folder: string): Map<string, Set<string>> {
  const depcruise = join(root, 'node_modules/.bin/depcruise');
  const { stdout, stderr } = spawnSync(
    depcruise,
    ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'apps', 'libs', 'tools'],
    { cwd: folder, env, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
  );
  if (!stdout) throw new Error(`dependency-cruiser said nothing: ${stderr}`);
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
  const rules = new Map<string, Set<string>>();
  for (const { from, rule, cycle } of summary.violations) {
    // A cycle is told once, from any of its files.
    for (const file of [from, ...(cycle ?? []).map(({ name }) => name)]) {
      rules.set(file, (rules.get(file) ?? new Set()).add(rule.name));
    }
  }
  return rules;
}
