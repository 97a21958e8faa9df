import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Probe } from './probes.js';

/** The root of the workspace. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

const left = new Set(['node_modules', 'dist', 'out-tsc', 'coverage']);

/**
 * A copy of the workspace's sources with the probes in it: a run that is killed leaves nothing in the real folders, and
 * a probe can stand in a file that exists. Returns its root.
 */
export function mirrorWith(probes: readonly Probe[]): string {
  const mirror = mkdtempSync(join(tmpdir(), 'redstart-boundary-probes-'));
  for (const folder of ['apps', 'libs', 'tools']) {
    cpSync(join(root, folder), join(mirror, folder), {
      recursive: true,
      filter: (path) =>
        !relative(root, path)
          .split(sep)
          .some((name) => left.has(name)),
    });
  }
  for (const file of ['package.json', 'tsconfig.base.json', '.dependency-cruiser.mjs']) {
    cpSync(join(root, file), join(mirror, file));
  }
  linkPackages(mirror);
  for (const { file, code, beside } of probes) {
    for (const [path, text] of Object.entries({ ...beside, [file]: code })) {
      mkdirSync(dirname(join(mirror, path)), { recursive: true });
      appendFileSync(join(mirror, path), `\n${text}\n`);
    }
  }
  return mirror;
}

/** Packages are those of the workspace; the workspace's own projects are the copies. */
function linkPackages(mirror: string): void {
  const target = join(mirror, 'node_modules');
  mkdirSync(join(target, '@redstart'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@redstart') symlinkSync(join(root, 'node_modules', name), join(target, name));
  }
  for (const folder of ['apps', 'libs', 'tools']) {
    for (const name of readdirSync(join(mirror, folder))) {
      symlinkSync(join(mirror, folder, name), join(target, '@redstart', name));
    }
  }
}
