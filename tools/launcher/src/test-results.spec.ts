import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resultsOf, verdict } from './test-results.mjs';
import { everyday, failures, stepsFor } from './test-steps.mjs';

const step = { failedStep: false, countsTests: true, passed: 0, failed: 0, skipped: 0 };

describe('verdict', () => {
  it('adds up what the steps found', () => {
    const steps = [
      { ...step, passed: 3 },
      { ...step, passed: 2, failed: 2, skipped: 1, failedStep: true },
    ];
    expect(verdict(steps)).toEqual({ passed: 5, failed: 2, skipped: 1 });
  });

  it('counts a step that fails without a failed test', () => {
    expect(verdict([{ ...step, passed: 3, failedStep: true }]).failed).toBe(1);
    expect(verdict([{ ...step, countsTests: false, failedStep: true }]).failed).toBe(1);
  });

  it('counts a step that was to run tests and ran none', () => {
    expect(verdict([step]).failed).toBe(1);
    expect(verdict([{ ...step, countsTests: false }]).failed).toBe(0);
  });
});

describe('resultsOf', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'redstart-results-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('adds up all projects of one target', () => {
    const write = (name: string, figures: object) => writeFileSync(join(folder, name), JSON.stringify(figures));
    write('ports.test.json', { passed: 2, failed: 1, skipped: 0 });
    write('messages.test.json', { passed: 5, failed: 0, skipped: 1 });
    write('all-in-one.e2e.json', { passed: 7, failed: 0, skipped: 0 });
    expect(resultsOf('test', folder)).toEqual({ passed: 7, failed: 1, skipped: 1 });
    expect(resultsOf('e2e', folder)).toEqual({ passed: 7, failed: 0, skipped: 0 });
    expect(resultsOf('failures', join(folder, 'none'))).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});

describe('stepsFor', () => {
  it('knows npm test, test:all and test:failures, and nothing else', () => {
    expect(stepsFor([])).toBe(everyday);
    expect(stepsFor(['--all'])).toEqual([...everyday, ...failures]);
    expect(stepsFor(['--only', 'failures'])).toBe(failures);
    expect(() => stepsFor(['--only', 'nothing'])).toThrow(/known is failures/);
    expect(() => stepsFor(['--quick'])).toThrow(/Unknown: --quick/);
  });
});
