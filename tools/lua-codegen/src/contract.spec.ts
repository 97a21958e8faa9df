import { describe, expect, it } from '@jest/globals';
import { LuaContractError, readContract } from './contract.js';

const HEADER = `#!lua flags=allow-oom
-- Takes a lease, unless another holds it.
-- Says how long to wait when it does.
-- @key lock the holder, a string with a TTL
-- @key queue... those who wait,
--   first come first served
-- @arg token who asks
-- @arg ttlMs how long, ms
-- @returns the fence, or minus the ms to wait
return 1
-- @key late is no header any more
`;

const problemsOf = (source: string): readonly string[] => {
  try {
    readContract(source);
  } catch (error) {
    if (error instanceof LuaContractError) return error.problems;
    throw error;
  }
  return [];
};

describe('readContract', () => {
  it('reads flags, prose, keys, arguments and the reply', () => {
    expect(readContract(HEADER)).toEqual({
      description: 'Takes a lease, unless another holds it. Says how long to wait when it does.',
      keys: [
        { name: 'lock', description: 'the holder, a string with a TTL', variadic: false },
        { name: 'queue', description: 'those who wait, first come first served', variadic: true },
      ],
      args: [
        { name: 'token', description: 'who asks', variadic: false },
        { name: 'ttlMs', description: 'how long, ms', variadic: false },
      ],
      returns: 'the fence, or minus the ms to wait',
      flags: ['allow-oom'],
    });
  });

  it('needs no shebang, keys or arguments', () => {
    expect(readContract('-- Says nothing.\n-- @returns nil\nreturn nil\n')).toMatchObject({
      keys: [],
      args: [],
      flags: [],
    });
  });

  it.each([
    ['no prose', '-- @returns 1\nreturn 1', 'the header does not say what the script does'],
    ['no reply', '-- Does.\nreturn 1', 'the header has no @returns'],
    ['an unknown tag', '-- Does.\n-- @keys a b\n-- @returns 1', 'line 2: @keys is none of @key, @arg, @returns'],
    [
      'a name in another case',
      '-- Does.\n-- @key Lock_Key b\n-- @returns 1',
      'line 2: @key is followed by a camelCase name',
    ],
    ['a name twice', '-- Does.\n-- @arg a b\n-- @arg a c\n-- @returns 1', '@arg a is declared twice'],
    [
      'a variadic one that is not the last',
      '-- Does.\n-- @key a... b\n-- @key c d\n-- @returns 1',
      '@key a... is not the last @key',
    ],
    ['a key without a description', '-- Does.\n-- @key a\n-- @returns 1', '@key a has no description'],
    ['a key behind the reply', '-- Does.\n-- @returns 1\n-- @key a b', 'line 3: @key stands after @returns'],
    [
      'an unknown flag',
      '#!lua flags=fast\n-- Does.\n-- @returns 1',
      'line 1: flag fast is none of allow-oom, no-writes',
    ],
    ['another interpreter', '#!/usr/bin/lua\n-- Does.\n-- @returns 1', 'line 1: "#!/usr/bin/lua" is neither'],
  ])('refuses %s', (_, source, problem) => {
    expect(problemsOf(source)).toEqual([expect.stringContaining(problem)]);
  });
});
