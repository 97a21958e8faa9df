import { type LuaContract, type Operand } from './contract.js';

/** Commands a script may call that touch no key. */
const KEYLESS = new Set(['TIME', 'PING', 'ECHO', 'INFO', 'RANDOMKEY', 'PUBLISH']);

/** Where the first key stands, when it is not the first argument. */
const KEY_AT = new Map([
  ['XGROUP', 2],
  ['XINFO', 2],
  ['OBJECT', 2],
  ['BITOP', 2],
  ['MEMORY', 2],
]);

/**
 * Holds the body against its header. Found: an index into KEYS or ARGV that is not declared; a fixed operand that
 * nothing reads; a command whose key is not from KEYS, as far as plain text shows it (a literal, ARGV, a
 * concatenation, or a local made of one). A key taken from a reply or a function's parameter is not followed.
 */
export function checkBody(source: string, contract: LuaContract): string[] {
  const code = withoutComments(source);
  return [
    ...checkIndexes(code, 'KEYS', 'key', contract.keys),
    ...checkIndexes(code, 'ARGV', 'arg', contract.args),
    ...checkCommands(code),
  ];
}

function checkIndexes(code: string, table: 'KEYS' | 'ARGV', tag: string, operands: readonly Operand[]): string[] {
  const problems: string[] = [];
  const variadic = operands.some((operand) => operand.variadic);
  const fixed = operands.length - (variadic ? 1 : 0);
  const read = new Set<number>();
  for (const [, index] of code.matchAll(new RegExp(`\\b${table}\\s*\\[\\s*(\\d+)\\s*\\]`, 'g')))
    read.add(Number(index));
  // `KEYS[i]`, `#KEYS`, `unpack(KEYS)`: any of them may be read.
  const dynamic = new RegExp(`\\b${table}\\b(?!\\s*\\[\\s*\\d+\\s*\\])`).test(code);
  for (const index of [...read].sort((a, b) => a - b)) {
    if (index === 0) problems.push(`${table}[0]: Lua counts from 1`);
    else if (index > fixed && !variadic) problems.push(`${table}[${index}] is read, and no @${tag} declares it`);
  }
  if (dynamic && !variadic) {
    problems.push(`${table} is read as a list, and no variadic @${tag} (\`name...\`) is declared`);
  }
  if (!dynamic) {
    operands.slice(0, fixed).forEach((operand, index) => {
      if (!read.has(index + 1))
        problems.push(`@${tag} ${operand.name} is declared, and ${table}[${index + 1}] is never read`);
    });
    const rest = operands[fixed];
    if (rest && ![...read].some((index) => index > fixed)) {
      problems.push(`@${tag} ${rest.name}... is declared, and never read`);
    }
  }
  return problems;
}

function checkCommands(code: string): string[] {
  const problems: string[] = [];
  const suspect = suspectLocals(code);
  for (const match of code.matchAll(/\bredis\.p?call\s*\(/g)) {
    const args = splitArguments(code, match.index + match[0].length);
    const name = /^(['"])(\w+)\1$/.exec(args[0] ?? '')?.[2]?.toUpperCase();
    if (name === undefined || KEYLESS.has(name)) continue;
    const key = args[KEY_AT.get(name) ?? 1];
    if (key === undefined) continue;
    const reason = whyNotFromKeys(key, suspect);
    if (reason) problems.push(`${name} takes the key ${key}, ${reason}`);
  }
  return problems;
}

function whyNotFromKeys(expression: string, suspect: ReadonlyMap<string, string>): string | undefined {
  if (/^KEYS\s*\[[^\]]*\]$/.test(expression)) return undefined;
  if (expression.includes('..')) return 'made by concatenation: declare it as @key';
  if (/^(['"]).*\1$/.test(expression)) return 'a literal: declare it as @key';
  if (/^(tostring\s*\(\s*)?ARGV\b/.test(expression)) return 'from ARGV: declare it as @key';
  return suspect.get(expression);
}

/** Locals whose every assignment in sight is something that is not from KEYS. */
function suspectLocals(code: string): Map<string, string> {
  const reasons = new Map<string, string | undefined>();
  for (const [, name, expression] of code.matchAll(/\blocal\s+(\w+)\s*=\s*([^\n;]+)/g)) {
    const reason = whyNotFromKeys(expression!.trim(), new Map());
    reasons.set(name!, reasons.has(name!) && reasons.get(name!) === undefined ? undefined : reason);
  }
  return new Map([...reasons].filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The arguments of the call that opens before `from`, split at its own commas. */
function splitArguments(code: string, from: number): string[] {
  const args: string[] = [];
  let depth = 0;
  let quote = '';
  let current = '';
  for (let at = from; at < code.length; at += 1) {
    const character = code[at]!;
    if (quote) {
      if (character === '\\') current += character + (code[(at += 1)] ?? '');
      else current += character;
      if (character === quote) quote = '';
      continue;
    }
    if (character === ')' && depth === 0) break;
    if (character === ',' && depth === 0) {
      args.push(current.trim());
      current = '';
      continue;
    }
    if (character === '"' || character === "'") quote = character;
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    current += character;
  }
  args.push(current.trim());
  return args;
}

function withoutComments(source: string): string {
  return source
    .replace(/^#!.*$/m, '')
    .replace(/--\[\[[\s\S]*?\]\]/g, '')
    .replace(/^((?:[^'"\n-]|-(?!-)|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")*)--.*$/gm, '$1');
}
