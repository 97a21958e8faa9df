import { readFileSync } from 'node:fs';
import type { z } from 'zod';

/** Settings that are missing or wrong, all of them at once. */
export class SettingsError extends Error {
  readonly code = 'SETTINGS';
  constructor(readonly problems: readonly string[]) {
    super(`wrong settings:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
  }
}

/**
 * Reads settings from the environment by a schema whose keys are the variables' names. `NAME_FILE` names a file that
 * holds NAME (a mounted secret); an empty variable counts as unset.
 * @throws SettingsError naming every missing or wrong one
 */
export function readSettings<Schema extends z.ZodObject>(schema: Schema, env: NodeJS.ProcessEnv): z.infer<Schema> {
  const problems: string[] = [];
  const values: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const file = env[`${name}_FILE`];
    if (env[name]) values[name] = env[name];
    else if (file) {
      try {
        values[name] = readFileSync(file, 'utf8').trim();
      } catch (error) {
        problems.push(`${name}_FILE: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`);
      }
    }
  }
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    if (problems.some((problem) => problem.startsWith(`${name}_FILE:`))) continue;
    problems.push(values[name] === undefined ? `${name} is missing: ${issue.message}` : `${name}: ${issue.message}`);
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return parsed.data as z.infer<Schema>;
}
