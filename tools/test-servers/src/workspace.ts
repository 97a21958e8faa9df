import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the workspace. */
export const workspaceRoot = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/** A folder in the project's cache, made when missing. It may be deleted at any time. */
export function cacheFolder(...names: string[]): string {
  const folder = join(workspaceRoot, '.cache', ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}
