import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { checkBody } from './check-body.js';
import { LuaContractError, readContract } from './contract.js';
import { render } from './render.js';

export interface GenerateOptions {
  /** The folder whose `**\/*.lua` are read. */
  root: string;
  /** The module that exports `Script`, below `root`, `script/script.js`. */
  scriptModule: string;
  /** Write nothing: a file that is missing, stale or without its `.lua` is a problem. */
  check: boolean;
}

export interface GenerateResult {
  /** Files written, or right as they are. */
  scripts: readonly string[];
  /** Lines ready to print; empty when all is well. Nothing is written for a script with a problem. */
  problems: readonly string[];
}

/** Makes `<name>.script.ts` beside every `<name>.lua`, or with `check` says where they differ. */
export function generate({ root, scriptModule, check }: GenerateOptions): GenerateResult {
  const problems: string[] = [];
  const scripts: string[] = [];
  const sources = globSync('**/*.lua', { cwd: root }).sort();
  const wanted = new Set<string>();
  for (const lua of sources) {
    const path = join(root, lua);
    const target = path.replace(/\.lua$/, '.script.ts');
    wanted.add(target);
    try {
      const source = readFileSync(path, 'utf8');
      const contract = readContract(source);
      const faults = checkBody(source, contract);
      if (faults.length > 0) throw new LuaContractError(faults);
      const text = render({
        name: posix(join(dirname(lua), basename(lua, '.lua'))),
        source,
        contract,
        scriptModule: importPath(dirname(path), join(root, scriptModule)),
      });
      scripts.push(target);
      if (read(target) === text) continue;
      if (check) problems.push(`${posix(lua)}: its .script.ts is not what the file says; run npm run generate:lua`);
      else writeFileSync(target, text);
    } catch (error) {
      if (!(error instanceof LuaContractError)) throw error;
      problems.push(...error.problems.map((problem) => `${posix(lua)}: ${problem}`));
    }
  }
  for (const orphan of globSync('**/*.script.ts', { cwd: root }).sort()) {
    if (!wanted.has(join(root, orphan))) problems.push(`${posix(orphan)}: there is no .lua it was made from`);
  }
  return { scripts, problems };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function importPath(from: string, to: string): string {
  const path = posix(relative(from, to));
  return path.startsWith('.') ? path : `./${path}`;
}

function posix(path: string): string {
  return path.split(sep).join('/');
}
