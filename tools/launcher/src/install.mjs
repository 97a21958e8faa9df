import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';

/** Runs `npm ci` when `node_modules` is missing or not what package-lock.json asks for. */
export function installIfMissing() {
  const reason = reasonToInstall();
  if (!reason) return;
  process.stderr.write(`${reason}: installing with npm ci, once …\n`);
  const began = Date.now();
  // Also where NODE_ENV or an npm setting would leave parts out.
  const include = ['--include=dev', '--include=optional'];
  const { status, stdout, stderr, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', ...include], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) {
    process.stderr.write(`${error ? `npm does not start: ${error.message}` : `${stdout}${stderr}`}\n`);
    process.exit(1);
  }
  process.stderr.write(`Installed in ${Math.round((Date.now() - began) / 1000)} s.\n`);
}

/**
 * npm writes what it installed into `node_modules/.package-lock.json` as its last step, so an interrupted install shows
 * as well as a changed lock file.
 */
export function reasonToInstall(folder = root) {
  const installedFile = join(folder, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile)) return 'No packages yet';
  const wanted = packagesOf(join(folder, 'package-lock.json'));
  const installed = packagesOf(installedFile);
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue;
    const found = installed[path];
    // Optional packages are for other systems than this, too.
    if (!found && entry.optional) continue;
    if (!found || found.version !== entry.version || found.integrity !== entry.integrity) {
      return 'package-lock.json has changed';
    }
  }
  return undefined;
}

function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
}
