/**
 * What `npm test` and its like run, in order. `counts`: the Nx targets whose Jest results are added up.
 * Cheap checks first; one Nx run for what Nx can spread over the cores.
 */
export const everyday = [
  { name: 'format', command: ['prettier', '--check', '--log-level=warn', '.'] },
  { name: 'project references', command: ['nx', 'sync:check'] },
  { name: 'generated Lua modules', command: ['nx', 'run', 'lua-codegen:check'] },
  { name: 'folder boundaries', command: ['depcruise', '--config', '.dependency-cruiser.mjs', 'apps', 'libs', 'tools'] },
  {
    name: 'lint, types, unit tests, contracts',
    command: ['nx', 'run-many', '-t', 'lint', 'typecheck', 'test', '--parallel=2', '--output-style=static'],
    counts: 'test',
  },
  { name: 'end to end', command: ['nx', 'run', 'all-in-one:e2e', '--output-style=static'], counts: 'e2e' },
];

export const failures = [
  { name: 'failures', command: ['nx', 'run', 'all-in-one:failures', '--output-style=static'], counts: 'failures' },
];

/** The steps that the arguments of test.mjs ask for. Throws an Error for what it does not know. */
export function stepsFor(args) {
  if (args.length === 0) return everyday;
  if (args.length === 1 && args[0] === '--all') return [...everyday, ...failures];
  if (args.length === 2 && args[0] === '--only') {
    if (args[1] === 'failures') return failures;
    throw new Error(`--only ${args[1]}: known is failures.`);
  }
  throw new Error(`Unknown: ${args.join(' ')}. Known: --all, --only failures.`);
}
