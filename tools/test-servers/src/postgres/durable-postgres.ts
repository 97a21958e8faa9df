import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { startedAt } from '../process-table.js';
import { initialise } from './data-folder.js';
import { Postmaster, runningPostmaster } from './postmaster.js';
import { postgresInvocation } from './unprivileged.js';

/** The PostgreSQL of `npm start`: its data stays, every commit waits for the disk. */
export interface DurablePostgres {
  /** With a password that only the owner of the folder can read. */
  readonly url: string;
  readonly pid: number;
  /** False when another process of this project runs it and we only use it. */
  readonly owned: boolean;
  /** Says to processes that start now that it is about to end: they wait for that instead of using it. */
  announceStop(): void;
  /** Calls back once when the server ends without `stop()`. */
  onLost(listener: (lastOutput: string) => void): void;
  /** An orderly end; does nothing to a server that another process runs. */
  stop(): Promise<void>;
}

/** In the folder, beside PostgreSQL's data. */
interface Owner {
  readonly pid: number;
  readonly startedAt: string | undefined;
  readonly port: number;
  readonly stopping?: boolean;
}

/**
 * Starts PostgreSQL on `folder`, made when missing. A server left behind by a process that was killed is stopped in
 * order first (by PostgreSQL's own pid file); one whose process lives is used and left alone.
 */
export async function startDurablePostgres(folder: string): Promise<DurablePostgres> {
  const data = join(folder, 'data');
  const ownerFile = join(folder, 'owner.json');
  const other = await settle(data, ownerFile);
  if (other) {
    return {
      url: urlFor(other.port, readFileSync(join(folder, 'password'), 'utf8')),
      pid: other.pid,
      owned: false,
      announceStop: () => undefined,
      onLost: () => undefined,
      stop: async () => undefined,
    };
  }
  const password = await prepare(folder, data);
  const port = await freePort();
  const url = urlFor(port, password);
  const logFile = join(folder, 'postgres.log');
  // Of this run only: the file does not grow for ever.
  writeFileSync(logFile, '');
  if (process.getuid?.() === 0) chownSync(logFile, postgresInvocation().uid, postgresInvocation().gid);
  const owner: Owner = { pid: process.pid, startedAt: startedAt(process.pid), port };
  writeOwner(ownerFile, owner);
  const postmaster = await Postmaster.start({
    data,
    port,
    logFile,
    settings: ['shared_buffers=64MB', 'log_checkpoints=off'],
    orphanShutdown: 'fast',
    adminUrl: url,
  });
  let stopping = false;
  return {
    url,
    pid: postmaster.pid,
    owned: true,
    announceStop: () => writeOwner(ownerFile, { ...owner, stopping: true }),
    onLost: (listener) => postmaster.onExit(() => stopping || listener(postmaster.lastOutput())),
    stop: async () => {
      stopping = true;
      await postmaster.stop('fast');
      rmSync(ownerFile, { force: true });
    },
  };
}

const settleWithinMs = 30_000;

/** Waits until no ownerless server runs on the data. Returns a running one that has a living owner. */
async function settle(data: string, ownerFile: string): Promise<{ pid: number; port: number } | undefined> {
  const deadline = Date.now() + settleWithinMs;
  let told = false;
  for (;;) {
    const running = runningPostmaster(data);
    const owner = livingOwner(ownerFile);
    if (running && owner?.port === running.port && !owner.stopping) return running;
    if (!running && !owner) return undefined;
    if (running && !owner && !told) {
      // It may be on its way down already: its supervising shell tells it when its owner is gone.
      signal(running.pid, 'SIGINT');
      signal(running.pid, 'SIGCONT');
      told = true;
    }
    if (Date.now() > deadline) {
      throw new Error(
        `The PostgreSQL of ${data} neither ends nor becomes ready${running ? ` (pid ${running.pid})` : ''}.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function writeOwner(ownerFile: string, owner: Owner): void {
  // Moved into place: another process never reads half of it.
  writeFileSync(`${ownerFile}.new`, JSON.stringify(owner), { mode: 0o600 });
  renameSync(`${ownerFile}.new`, ownerFile);
}

function livingOwner(ownerFile: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(ownerFile, 'utf8')) as Owner;
    return owner.startedAt !== undefined && startedAt(owner.pid) === owner.startedAt ? owner : undefined;
  } catch {
    return undefined;
  }
}

async function prepare(folder: string, data: string): Promise<string> {
  const passwordFile = join(folder, 'password');
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const { uid, needsOpenFolders } = postgresInvocation();
  if (existsSync(data)) {
    if (statSync(data).uid !== uid) {
      throw new Error(`${data} belongs to user id ${statSync(data).uid}: start as that user, or remove the folder.`);
    }
    return readFileSync(passwordFile, 'utf8');
  }
  // Made aside and moved into place: a first start may be killed half-way.
  const draft = `${data}.new`;
  rmSync(draft, { recursive: true, force: true });
  const password = randomBytes(24).toString('base64url');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (process.getuid?.() === 0) chownSync(passwordFile, uid, 0);
  try {
    await initialise(draft, ['--auth=scram-sha-256', `--pwfile=${passwordFile}`]);
  } catch (error) {
    if (!needsOpenFolders) throw error;
    const advice = `Install setpriv (util-linux), or put the project where user id ${uid} may enter.`;
    throw new Error(`${(error as Error).message}\n${advice}`, { cause: error });
  }
  renameSync(draft, data);
  return password;
}

function urlFor(port: number, password: string): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
