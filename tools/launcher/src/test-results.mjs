import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { resultsFolder } from './result-reporter.mjs';

/** Forgets the results of earlier runs; Nx brings those back whose target it takes from its cache. */
export function forgetResults() {
  rmSync(resultsFolder, { recursive: true, force: true });
}

/** The added-up figures of all projects for one target. */
export function resultsOf(target, folder = resultsFolder) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  if (!existsSync(folder)) return total;
  for (const name of readdirSync(folder).filter((file) => file.endsWith(`.${target}.json`))) {
    const figures = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    for (const key of Object.keys(total)) total[key] += figures[key];
  }
  return total;
}

/**
 * The verdict over all steps: `[{ failedStep, passed, failed, skipped }]`. A step that fails without a failed test
 * (lint, a crash of Jest itself) counts as one failure, a step that was to run tests and ran none as well: so the
 * figure of failures is 0 exactly when all is well.
 */
export function verdict(steps) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const step of steps) {
    const ranNone = step.countsTests && step.passed + step.failed === 0;
    sum.passed += step.passed;
    sum.skipped += step.skipped;
    sum.failed += step.failed === 0 && (step.failedStep || ranNone) ? 1 : step.failed;
  }
  return sum;
}
