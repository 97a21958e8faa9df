import preset from '../../jest.preset.mjs';

// Real processes, Redis and PostgreSQL: one file at a time on few cores, and patience where machines are slow.
export default {
  ...preset,
  testMatch: ['<rootDir>/e2e/*.e2e.ts'],
  maxWorkers: 1,
  testTimeout: 120_000,
  passWithNoTests: false,
};
