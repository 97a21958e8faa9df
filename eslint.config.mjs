import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const ioredis = { name: 'ioredis', message: 'Only libs/redis-adapters and tools speak to Redis; inject a port.' };
const nest = {
  regex: '^@nestjs/',
  message: 'Nest lives in composition/, interface/, main.ts, module.ts, service-kit and nest-stream-transport.',
};
const only = (tag, ...onlyDependOnLibsWithTags) => ({ sourceTag: tag, onlyDependOnLibsWithTags });

/** Who may import whom, by tag. `allow`: imports that no rule looks at. */
const boundaries = (allow) => [
  'error',
  {
    enforceBuildableLibDependency: false,
    allow,
    depConstraints: [
      only('layer:ports', 'layer:ports'),
      only('layer:messages', 'layer:messages'),
      only('layer:adapters', 'layer:ports', 'layer:messages', 'layer:test-servers'),
      only('layer:service-kit', 'layer:ports', 'layer:messages'),
      only('type:app', 'layer:ports', 'layer:messages', 'layer:adapters', 'layer:service-kit', 'layer:test-servers'),
      only(
        'type:suite',
        'type:app',
        'layer:ports',
        'layer:messages',
        'layer:adapters',
        'layer:service-kit',
        'layer:test-servers',
      ),
      only('layer:test-servers', 'layer:test-servers'),
      only('layer:tool', '*'),
    ],
  },
];

export default tseslint.config(
  { ignores: ['**/dist', '**/out-tsc', '**/*.script.ts', '**/node_modules', '.nx', '.data', '.cache'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    // Else consistent-type-imports takes the classes that dependency injection needs for types.
    languageOptions: { parserOptions: { emitDecoratorMetadata: true, experimentalDecorators: true } },
    plugins: { '@nx': nx },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@nx/enforce-module-boundaries': boundaries([]),
      'no-restricted-imports': ['error', { paths: [ioredis], patterns: [nest] }],
    },
  },
  {
    files: ['libs/redis-adapters/**/*.ts', 'tools/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [nest] }] },
  },
  {
    files: [
      'apps/*/src/**/composition/**/*.ts',
      'apps/*/src/**/interface/**/*.ts',
      'apps/*/src/main.ts',
      'apps/*/src/module.ts',
      'apps/*/e2e/**/*.ts',
      'libs/service-kit/**/*.ts',
      'libs/nest-stream-transport/**/*.ts',
    ],
    rules: { 'no-restricted-imports': ['error', { paths: [ioredis] }] },
  },
  {
    // An app loads its adapters by URL; its tests know which they want.
    files: ['apps/*/src/**/*.spec.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries(['@redstart/memory-adapters']) },
  },
  {
    // The outbox is tested on the streams that it feeds.
    files: ['libs/postgres-adapters/**/*.spec.ts', 'libs/postgres-adapters/test/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': boundaries(['@redstart/memory-adapters', '@redstart/redis-adapters']),
    },
  },
  {
    // The one app that starts other apps, by the entry they offer for it.
    files: ['apps/all-in-one/**/*.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries(['@redstart/**/module']) },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
);
