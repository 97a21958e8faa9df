import preset from './jest.e2e.config.mjs';

export default { ...preset, testMatch: ['<rootDir>/e2e/failures/*.failures.ts'], testTimeout: 240_000 };
