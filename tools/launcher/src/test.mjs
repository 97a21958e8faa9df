// npm test, npm run test:all (--all), npm run test:failures (--only failures). Quiet when green: one line a step.
import { spawn } from 'node:child_process';
import { installIfMissing } from './install.mjs';
import { environmentWithNode24 } from './node-from-npm.mjs';
import { root } from './root.mjs';
import { forgetResults, resultsOf, verdict } from './test-results.mjs';
import { stepsFor } from './test-steps.mjs';

let steps;
try {
  steps = stepsFor(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}

installIfMissing();
forgetResults();

const env = {
  ...environmentWithNode24(),
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  NX_NO_CLOUD: 'true',
  // No escape codes between the lines of a failing step.
  NO_COLOR: '1',
  FORCE_COLOR: '0',
};

let running;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    // The whole group of the step: nx, its tasks, their Jest.
    if (running) process.kill(-running.pid, signal);
    process.exit(130);
  });
}

const done = [];
for (const step of steps) {
  const began = Date.now();
  const { code, output } = await run(step.command);
  const figures = step.counts ? resultsOf(step.counts) : { passed: 0, failed: 0, skipped: 0 };
  const outcome = { failedStep: code !== 0, countsTests: Boolean(step.counts), ...figures };
  done.push(outcome);
  const { failed } = verdict([outcome]);
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  if (failed > 0) process.stdout.write(`${output.trimEnd()}\n`);
  const tests = step.counts ? `, ${describe(figures)}` : '';
  process.stdout.write(`${failed > 0 ? 'FAILED' : 'ok    '} ${step.name} (${seconds} s${tests})\n`);
  if (failed > 0 && code === 0) process.stdout.write(`       ${step.name}: no test ran.\n`);
}

const sum = verdict(done);
process.stdout.write(`${sum.passed} passed, ${sum.failed} failed\n`);
process.exitCode = sum.failed > 0 ? 1 : 0;

function describe({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} SKIPPED` : ''}`;
}

function run([program, ...args]) {
  return new Promise((resolve) => {
    running = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    running.stdout.on('data', (bytes) => (output += bytes));
    running.stderr.on('data', (bytes) => (output += bytes));
    running.on('error', (error) => resolve({ code: 1, output: error.message }));
    running.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
