import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** The command was called wrongly; the message says how to call it. */
export class UsageError extends Error {}

export interface Arguments {
  file: string;
  limit: number;
  concurrency: number;
  url: string;
  email: string;
  password: string;
}

const USAGE = 'usage: npm run replay -- FILE.csv [--limit N] [--concurrency N] [--url URL]';

/** @throws UsageError */
export function readArguments(argv: readonly string[], env: NodeJS.ProcessEnv): Arguments {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { limit: { type: 'string' }, concurrency: { type: 'string' }, url: { type: 'string' } },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
  const [file, ...more] = parsed.positionals;
  if (!file || more.length > 0) throw new UsageError(USAGE);
  const { limit, concurrency, url = 'http://127.0.0.1:3000' } = parsed.values;
  if (!URL.canParse(url)) throw new UsageError(`--url is "${url}", not a URL like http://127.0.0.1:3000`);
  return {
    file,
    limit: limit === undefined ? Infinity : wholeNumber('--limit', limit),
    concurrency: concurrency === undefined ? 16 : wholeNumber('--concurrency', concurrency),
    url: url.replace(/\/+$/, ''),
    ...administrator(env),
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`${name} is "${text}", not a whole number from 1`);
  return value;
}

/** From the environment, else as `npm start` keeps it. */
function administrator(env: NodeJS.ProcessEnv): { email: string; password: string } {
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = env;
  if (email && password) return { email, password };
  const kept = join(env['DATA_DIR'] ?? '.data', 'admin.json');
  try {
    const admin = JSON.parse(readFileSync(kept, 'utf8')) as { email?: string; password?: string };
    if (admin.email && admin.password) return { email: admin.email, password: admin.password };
  } catch {
    // told below
  }
  throw new UsageError(
    `no administrator: run npm start once (it keeps one in ${kept}), or set ADMIN_EMAIL and ADMIN_PASSWORD`,
  );
}
