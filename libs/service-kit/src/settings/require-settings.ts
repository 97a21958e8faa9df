import type { z } from 'zod';
import { readSettings, SettingsError } from './read-settings.js';

/**
 * Checks one environment against several services' schemas before any of them starts.
 * @throws SettingsError naming what is missing or wrong for any of them, once
 */
export function requireSettings(schemas: readonly z.ZodObject[], env: NodeJS.ProcessEnv): void {
  const problems = new Set<string>();
  for (const schema of schemas) {
    try {
      readSettings(schema, env);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      for (const problem of error.problems) problems.add(problem);
    }
  }
  if (problems.size > 0) throw new SettingsError([...problems]);
}
