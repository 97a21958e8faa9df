import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Administrator {
  readonly email: string;
  readonly password: string;
}

/** The seeded administrator of embedded runs: made once, kept in `file`, which only its owner may read. */
export function administratorOf(file: string): Administrator {
  const known = readAdministrator(file);
  if (known) return known;
  const made = { email: 'admin@redstart.example', password: randomBytes(18).toString('base64url') };
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
  return made;
}

function readAdministrator(file: string): Administrator | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  chmodSync(file, 0o600);
  const { email, password } = JSON.parse(text) as Partial<Administrator>;
  if (!email || !password) throw new Error(`${file} lacks "email" or "password": correct or remove it.`);
  return { email, password };
}
