import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root } from './root.mjs';

const binaries = join(root, 'node_modules/.bin');

/**
 * The environment in which `node` is the Node 24 that npm installed (docs/adr/0009). Ends with one line where there is
 * none for this system and the machine's is too old.
 */
export function environmentWithNode24() {
  const env = { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH ?? ''}` };
  const node = existsSync(join(binaries, 'node')) ? join(binaries, 'node') : 'node';
  const { stdout } = spawnSync(node, ['--version'], { env, encoding: 'utf8' });
  if (isNewEnough(stdout ?? '')) return env;
  // A pinned Node that does not run here (another libc): the machine's own may do.
  if (isNewEnough(process.version)) return { ...env, PATH: process.env.PATH };
  process.stderr.write(
    `Node 24.9 or later is needed, and npm has none for ${process.platform} ${process.arch}: ` +
      `this is ${process.version}. Install Node 24 (see .nvmrc) and try again.\n`,
  );
  process.exit(1);
}

/** Jest's ESM support asks for 24.9. */
export function isNewEnough(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 9);
}
