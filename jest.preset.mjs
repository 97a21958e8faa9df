import { fileURLToPath } from 'node:url';

// One Jest preset for every project: ESM, SWC with decorator metadata, libraries from source.

// A test may run a Jest of its own (a broken adapter's suite must fail): that one's results are not the project's.
const outermost = String(process.pid);
process.env.REDSTART_OUTERMOST_JEST ??= outermost;
const isOutermost = process.env.REDSTART_OUTERMOST_JEST === outermost;
const resultReporter = fileURLToPath(new URL('tools/launcher/src/result-reporter.mjs', import.meta.url));

export default {
  reporters: isOutermost ? ['default', resultReporter] : ['default'],
  testEnvironment: 'node',
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironmentOptions: { customExportConditions: ['@redstart/source', 'node', 'node-addons'] },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
      },
    ],
  },
  passWithNoTests: true,
  maxWorkers: 2,
  // Patience for loaded machines; no test asserts how long something takes.
  testTimeout: 30_000,
};
