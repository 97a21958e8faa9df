import { describe, expect, it } from '@jest/globals';
import { checkBody } from './check-body.js';
import { readContract } from './contract.js';

/** Problems of a body under a header that declares `keys` and `args`. */
function problemsOf(body: string, { keys = ['lock'], args = [] }: { keys?: string[]; args?: string[] } = {}): string[] {
  const header = [
    '-- Does something.',
    ...keys.map((key) => `-- @key ${key} a key`),
    ...args.map((arg) => `-- @arg ${arg} an argument`),
    '-- @returns 1',
  ].join('\n');
  const source = `${header}\n${body}\n`;
  return checkBody(source, readContract(source));
}

describe('checkBody', () => {
  it('is content with a body that reads what the header declares', () => {
    const body = `
local now = redis.call('TIME')
local lock = KEYS[1]
if redis.call('GET', lock) == ARGV[1] then -- not KEYS[9]
  redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT') --[[ nor
  ARGV[9] ]]
end
local text = 'it is -- no comment KEYS'
for index, key in ipairs(KEYS) do redis.call('DEL', key) end
redis.call('XGROUP', 'CREATE', KEYS[2], 'group', '0')`;
    expect(problemsOf(body, { keys: ['lock', 'rest...'], args: ['token', 'ttlMs'] })).toEqual([]);
  });

  it.each([
    ["redis.call('GET', KEYS[1]) redis.call('DEL', KEYS[2])", 'KEYS[2] is read, and no @key declares it'],
    ["redis.call('SET', KEYS[1], ARGV[1])", 'ARGV[1] is read, and no @arg declares it'],
    ["redis.call('GET', KEYS[1]) return KEYS[0]", 'KEYS[0]: Lua counts from 1'],
    ["redis.call('DEL', unpack(KEYS))", 'KEYS is read as a list, and no variadic @key'],
    ['return 1', '@key lock is declared, and KEYS[1] is never read'],
  ])('finds an operand that is not as declared: %s', (body, problem) => {
    expect(problemsOf(body)).toEqual([expect.stringContaining(problem)]);
  });

  it('finds a variadic operand that nothing reads', () => {
    expect(problemsOf("redis.call('GET', KEYS[1])", { keys: ['lock', 'rest...'] })).toEqual([
      '@key rest... is declared, and never read',
    ]);
  });

  it.each([
    ["redis.call('SET', 'rs:lock:fence', 1)", "SET takes the key 'rs:lock:fence', a literal"],
    ["redis.call('DEL', KEYS[1] .. ':fence')", "DEL takes the key KEYS[1] .. ':fence', made by concatenation"],
    ["redis.pcall('get', ARGV[1])", 'GET takes the key ARGV[1], from ARGV'],
    ["local fence = KEYS[1] .. ':fence'\nredis.call('DEL', fence)", 'DEL takes the key fence, made by concatenation'],
    ["redis.call('XGROUP', 'CREATE', ARGV[1], 'group', '0')", 'XGROUP takes the key ARGV[1], from ARGV'],
    ["redis.call('SPUBLISH', 'bell', '1')", "SPUBLISH takes the key 'bell', a literal"],
  ])('finds a key that is not from KEYS: %s', (body, problem) => {
    const problems = problemsOf(`redis.call('GET', KEYS[1])\n${body}`, { args: body.includes('ARGV') ? ['name'] : [] });
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  it('does not guess about a key from a parameter or a reply', () => {
    expect(problemsOf("local function drop(key) redis.call('DEL', key) end\ndrop(KEYS[1])")).toEqual([]);
  });
});
