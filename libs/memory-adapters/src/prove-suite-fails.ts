import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What Jest said of a fixture: full names of its tests, describe blocks included. */
export interface SuiteRun {
  exitCode: number | null;
  passed: string[];
  failed: string[];
  /** Messages of the failed tests, by full name. */
  messages: Record<string, string>;
}

interface JestReport {
  testResults: {
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] | null }[];
  }[];
}

/**
 * Proves that a contract suite can fail: runs a fixture (the suite over a sabotaged adapter) in a Jest of its own and
 * checks that exactly the named tests fail, and that others pass, so that the fixture did not just crash.
 * `failing`: the end of each failing test's full name, in any order.
 * @throws Error that says what differs
 */
export async function proveSuiteFails(fixture: URL, failing: readonly string[]): Promise<SuiteRun> {
  const run = await runFixture(fixture);
  const unexpected = run.failed.filter((name) => !failing.some((end) => name.endsWith(end)));
  const missing = failing.filter((end) => !run.failed.some((name) => name.endsWith(end)));
  const complaints = [
    ...missing.map((end) => `was to fail, and did not: ${end}`),
    ...unexpected.map((name) => `failed, and was not to: ${name}\n${run.messages[name] ?? ''}`),
    ...(run.passed.length === 0 ? ['no test passed: the fixture itself is broken'] : []),
    ...(run.exitCode === 1 ? [] : [`Jest ended with ${run.exitCode}, not with 1`]),
  ];
  if (complaints.length > 0) throw new Error(`${fileURLToPath(fixture)}:\n${complaints.join('\n')}`);
  return run;
}

/** Runs one `*.fixture.ts` under its project's own Jest configuration. */
export async function runFixture(fixture: URL): Promise<SuiteRun> {
  const file = fileURLToPath(fixture);
  const project = projectOf(file);
  const folder = await mkdtemp(join(tmpdir(), 'redstart-fixture-'));
  const report = join(folder, 'report.json');
  try {
    const { exitCode, output } = await runJest(project, [
      '--runTestsByPath',
      file,
      '--testMatch',
      '**/*.fixture.ts',
      '--runInBand',
      '--json',
      '--outputFile',
      report,
    ]);
    if (!existsSync(report)) throw new Error(`Jest wrote no report (exit ${exitCode}):\n${output}`);
    return summarize(exitCode, JSON.parse(await readFile(report, 'utf8')) as JestReport);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function summarize(exitCode: number | null, report: JestReport): SuiteRun {
  const run: SuiteRun = { exitCode, passed: [], failed: [], messages: {} };
  for (const file of report.testResults) {
    // A file that cannot be loaded has a message and no tests.
    if (file.assertionResults.length === 0) throw new Error(`the fixture did not run:\n${file.message}`);
    for (const test of file.assertionResults) {
      if (test.status === 'passed') run.passed.push(test.fullName);
      if (test.status !== 'failed') continue;
      run.failed.push(test.fullName);
      run.messages[test.fullName] = (test.failureMessages ?? []).join('\n');
    }
  }
  return run;
}

function runJest(project: string, args: string[]): Promise<{ exitCode: number | null; output: string }> {
  const jest = createRequire(join(project, 'package.json')).resolve('jest/bin/jest');
  // A worker's own variables would make the child believe that it is one.
  const { JEST_WORKER_ID: _worker, NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(
    process.execPath,
    ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, ...args],
    { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  const collect = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, output }));
  });
}

function projectOf(file: string): string {
  let folder = dirname(file);
  while (!existsSync(join(folder, 'jest.config.mjs'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no jest.config.mjs above ${file}`);
    folder = parent;
  }
  return folder;
}
