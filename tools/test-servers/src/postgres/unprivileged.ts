import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath } from '../on-path.js';
import { workspaceRoot } from '../workspace.js';
import { postgresBinaries } from './postgres-binaries.js';

/** How to start PostgreSQL's programs: as we are, or, as root, under another user id, because they refuse root. */
export interface Invocation {
  readonly uid: number;
  readonly gid: number;
  readonly binaries: string;
  /** True when only folders that everyone may enter can hold its data. */
  readonly needsOpenFolders: boolean;
  /** The program and arguments to give to spawn, with `spawnOptions`. */
  command(program: 'initdb' | 'postgres', args: readonly string[]): { command: string; args: string[] };
  readonly spawnOptions: { readonly uid?: number; readonly gid?: number };
}

let chosen: Invocation | undefined;

/** Chosen once a process, by trying it. */
export function postgresInvocation(): Invocation {
  chosen ??= process.getuid?.() === 0 ? forRoot() : asWeAre();
  return chosen;
}

function asWeAre(): Invocation {
  const { folder } = postgresBinaries();
  return {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    binaries: folder,
    needsOpenFolders: false,
    command: (program, args) => ({ command: join(folder, 'bin', program), args: [...args] }),
    spawnOptions: {},
  };
}

const nobody = 65534;

function forRoot(): Invocation {
  const owner = statSync(workspaceRoot);
  const uid = owner.uid === 0 ? nobody : owner.uid;
  const gid = owner.uid === 0 ? nobody : owner.gid;
  const ways = [withAccessEverywhere, withOpenCopy];
  const reasons: string[] = [];
  for (const way of ways) {
    const trial = mkdtempSync(join(tmpdir(), 'redstart-postgres-trial-'));
    try {
      chownSync(trial, uid, gid);
      const invocation = way(uid, gid);
      const { command, args } = invocation.command('initdb', ['--show', '-D', trial]);
      execFileSync(command, args, { ...invocation.spawnOptions, stdio: 'pipe', cwd: '/' });
      return invocation;
    } catch (error) {
      reasons.push((error as Error).message.trim().split('\n').at(-1) ?? '');
    } finally {
      rmSync(trial, { recursive: true, force: true });
    }
  }
  throw new Error(`PostgreSQL refuses root and does not start under user id ${uid}: ${reasons.join('; ')}`);
}

/**
 * Another user id that may enter every folder: the workspace may lie where only root can go (/root, `mktemp -d`).
 * `no_setuid_fixup`, because otherwise access(2), by which PostgreSQL looks for its own files, leaves the capability
 * out for everyone but root (capabilities(7), access(2)). All other capabilities are given up.
 */
function withAccessEverywhere(uid: number, gid: number): Invocation {
  if (!onPath('setpriv')) throw new Error('no setpriv (util-linux)');
  const { folder } = postgresBinaries();
  const drop = [
    ...[`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'],
    ...['--securebits=+no_setuid_fixup', '--bounding-set=-all,+dac_override'],
    ...['--inh-caps=-all,+dac_override', '--ambient-caps=+dac_override', '--no-new-privs'],
  ];
  return {
    uid,
    gid,
    binaries: folder,
    needsOpenFolders: false,
    command: (program, args) => ({ command: 'setpriv', args: [...drop, join(folder, 'bin', program), ...args] }),
    spawnOptions: {},
  };
}

/** Without setpriv or its capabilities: a copy of the binaries where everyone may read, and data there too. */
function withOpenCopy(uid: number, gid: number): Invocation {
  const { folder, version } = postgresBinaries();
  const copy = join(tmpdir(), `redstart-postgres-${version}`);
  if (!existsSync(copy)) {
    const draft = `${copy}.${process.pid}`;
    mkdirSync(draft, { mode: 0o755 });
    cpSync(folder, draft, { recursive: true, verbatimSymlinks: true });
    renameSync(draft, copy);
  }
  if (statSync(copy).uid !== 0) throw new Error(`${copy} is not root's`);
  return {
    uid,
    gid,
    binaries: copy,
    needsOpenFolders: true,
    command: (program, args) => ({ command: join(copy, 'bin', program), args: [...args] }),
    spawnOptions: { uid, gid },
  };
}
