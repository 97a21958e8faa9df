import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../workspace.js';
import { postgresBinaries } from './postgres-binaries.js';
import { postgresInvocation } from './unprivileged.js';

const run = promisify(execFile);

/** The same on every system, whatever its locales: byte order, UTF-8. */
const collation = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];

/** A private data folder for one test server: a copy of a template that is made once (0.5 s) and kept in `.cache`. */
export async function temporaryDataFolder(): Promise<{ root: string; data: string }> {
  const template = await templateFolder();
  const { uid, gid } = postgresInvocation();
  const root = mkdtempSync(join(tmpdir(), 'redstart-postgres-'));
  chmodSync(root, 0o711);
  const data = join(root, 'data');
  await run('cp', ['-a', template, data]);
  const logFile = join(root, 'postgres.log');
  writeFileSync(logFile, '');
  if (process.getuid?.() === 0) {
    chownSync(data, uid, gid);
    chownSync(logFile, uid, gid);
  }
  return { root, data };
}

async function templateFolder(): Promise<string> {
  const { uid, needsOpenFolders } = postgresInvocation();
  const parent = needsOpenFolders ? tmpdir() : cacheFolder();
  const template = join(parent, `postgres-template-${postgresBinaries().version}-${uid}`);
  if (existsSync(template)) return template;
  // Made aside and moved into place: several test processes may start at once, and one may be killed half-way.
  const draft = `${template}.${process.pid}`;
  try {
    await initialise(draft, ['--auth=trust', '--no-sync']);
    renameSync(draft, template);
  } catch (error) {
    if (!existsSync(template)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return template;
}

/** Runs initdb for a folder that does not exist yet. */
export async function initialise(folder: string, options: readonly string[]): Promise<void> {
  const { uid, gid, command, spawnOptions } = postgresInvocation();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) chownSync(folder, uid, gid);
  const initdb = command('initdb', ['-D', folder, '-U', 'postgres', '--no-instructions', ...collation, ...options]);
  try {
    await run(initdb.command, initdb.args, { ...spawnOptions, cwd: '/' });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    const output = (error as { stderr?: string }).stderr?.trim();
    throw new Error(`initdb failed: ${output || (error as Error).message}`, { cause: error });
  }
}
