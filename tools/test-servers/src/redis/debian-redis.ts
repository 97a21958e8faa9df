import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../workspace.js';

const run = promisify(execFile);

/** The server, and the libraries that it is linked with on Debian and Ubuntu; names differ between releases. */
const packages = [
  'redis-server',
  'redis-tools',
  'libjemalloc2',
  'liblua5.1-0',
  'liblzf1',
  'lua-cjson',
  'lua-bitop',
  'libatomic1',
  'libhiredis0.14',
  'libhiredis1.1.0',
  'libhiredis1',
];

export interface UnpackedRedis {
  readonly path: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The distribution's redis-server, downloaded and unpacked into `.cache/redis-debian`: needs no root and installs
 * nothing. Nothing on other systems, or where the download fails.
 */
export async function debianRedis(): Promise<UnpackedRedis | undefined> {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg')) return undefined;
  const target = join(cacheFolder(), `redis-debian-${release()}-${process.arch}`);
  if (!existsSync(target)) {
    // Unpacked aside and moved into place: another process never sees half of it.
    const draft = `${target}.${randomUUID()}`;
    try {
      await unpack(draft);
      renameSync(draft, target);
    } catch (error) {
      if (!existsSync(target)) {
        process.stderr.write(`test-servers: no redis-server by apt-get: ${firstLine(error)}\n`);
        return undefined;
      }
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }
  const libraries = libraryFolders(join(target, 'root'));
  // `redis-server` is a link to `redis-check-rdb`, which looks at the name that it was started with.
  return {
    path: join(target, 'root/usr/bin/redis-server'),
    env: { LD_LIBRARY_PATH: [...libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':') },
  };
}

async function unpack(draft: string): Promise<void> {
  const downloads = join(draft, 'downloads');
  const root = join(draft, 'root');
  mkdirSync(downloads, { recursive: true });
  mkdirSync(root);
  const options = await aptOptions(draft);
  // What cannot be had is named otherwise in this release, or is on the machine; the trial below tells.
  const wanted = await downloadable(options);
  await run('apt-get', [...options, 'download', ...wanted], { cwd: downloads, timeout: 120_000 });
  for (const file of readdirSync(downloads).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg', ['-x', join(downloads, file), root]);
  }
  rmSync(downloads, { recursive: true, force: true });
  rmSync(join(draft, 'apt'), { recursive: true, force: true });
  await run(join(root, 'usr/bin/redis-server'), ['--version'], {
    env: { ...process.env, LD_LIBRARY_PATH: libraryFolders(root).join(':') },
  });
}

/** Own package lists where the machine has none: images are often made without. */
async function aptOptions(draft: string): Promise<string[]> {
  // `_apt`, the user apt drops to, often cannot write into the project.
  const sandbox = ['-o', 'APT::Sandbox::User=root'];
  if ((await downloadable(sandbox)).includes('redis-server')) return sandbox;
  const state = join(draft, 'apt/state');
  const cache = join(draft, 'apt/cache');
  mkdirSync(join(state, 'lists/partial'), { recursive: true });
  mkdirSync(join(cache, 'archives/partial'), { recursive: true });
  const own = [...sandbox, '-o', `Dir::State=${state}`, '-o', `Dir::Cache=${cache}`];
  own.push('-o', 'Dir::State::status=/var/lib/dpkg/status');
  await run('apt-get', [...own, 'update'], { timeout: 180_000 });
  return own;
}

/**
 * Those of the packages whose candidate has a source in the lists. `apt-cache show` also knows what is installed and
 * cannot be downloaded any more.
 */
async function downloadable(options: readonly string[]): Promise<string[]> {
  const { stdout } = await run('apt-cache', [...options, 'policy', ...packages], {
    env: { ...process.env, LC_ALL: 'C' },
  });
  return stdout.split(/^(?=\S)/m).flatMap((block) => {
    const name = /^(\S+):/.exec(block)?.[1];
    const candidate = /^ {2}Candidate: (.+)$/m.exec(block)?.[1];
    const versions = block.split(/^ (?:\*\*\*| {3}) (?=\S)/m).slice(1);
    const sources = versions.find((version) => version.startsWith(`${candidate} `));
    const hasSource = sources && /^ {8}.*\d (?!\/var\/lib\/dpkg\/status)\S/m.test(sources);
    return name && hasSource ? [name] : [];
  });
}

function libraryFolders(root: string): string[] {
  return ['usr/lib', 'lib', 'usr/lib64'].flatMap((base) => {
    const folder = join(root, base);
    if (!existsSync(folder)) return [];
    const triples = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.name.includes('-linux-'));
    return [folder, ...triples.map((entry) => join(folder, entry.name))];
  });
}

function release(): string {
  const text = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const value = (name: string) => new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? '';
  return `${value('ID')}${value('VERSION_ID')}`;
}

function firstLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string };
  return (stderr?.trim() || message || String(error)).split('\n')[0] ?? '';
}
