import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';

/** Where each Jest run leaves its result: one file a project and target. Nx keeps it with the target's cache. */
export const resultsFolder = join(root, '.cache/test-results');

/**
 * Jest reporter: writes the figures of one run for `npm test` to add up. Only in runs that Nx started, which gives the
 * project's and the target's names.
 */
export default class ResultReporter {
  onRunComplete(_contexts, results) {
    const { NX_TASK_TARGET_PROJECT: project, NX_TASK_TARGET_TARGET: target } = process.env;
    if (!project || !target) return;
    const figures = {
      project,
      target,
      passed: results.numPassedTests,
      // A file that does not even load has no tests that could fail.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    mkdirSync(resultsFolder, { recursive: true });
    const file = join(resultsFolder, `${project}.${target}.json`);
    writeFileSync(`${file}.new`, `${JSON.stringify(figures)}\n`);
    renameSync(`${file}.new`, file);
  }
}
