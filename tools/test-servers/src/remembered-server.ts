import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ServerNote {
  readonly url: string;
  readonly pid: number;
}

/**
 * One server for all the test files that this process runs. Jest gives each file modules of its own, so a file finds
 * the server that an earlier one started by a note on disk, under this process's pid.
 */
export async function rememberedServer(
  name: string,
  server: {
    start(): Promise<ServerNote>;
    /** Whether exactly this server answers. */
    answers(note: ServerNote): Promise<boolean>;
  },
): Promise<ServerNote> {
  const folder = join(tmpdir(), `redstart-test-servers-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${name}-${process.pid}.json`);
  const known = readNote(file);
  // The note of an earlier process that had our pid: its server ended with it, and does not answer.
  if (known && (await server.answers(known).catch(() => false))) return known;
  const { url, pid } = await server.start();
  writeFileSync(`${file}.new`, JSON.stringify({ url, pid }), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return { url, pid };
}

function readNote(file: string): ServerNote | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ServerNote;
  } catch {
    return undefined;
  }
}
