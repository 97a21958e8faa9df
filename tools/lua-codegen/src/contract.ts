/** What a script's header declares. */
export interface LuaContract {
  /** What it does, from the header's prose. */
  description: string;
  keys: readonly Operand[];
  args: readonly Operand[];
  returns: string;
  flags: readonly string[];
}

export interface Operand {
  name: string;
  description: string;
  /** The rest of KEYS or ARGV: `name...`, only the last. */
  variadic: boolean;
}

/** A header or body that breaks the rules. `problems` are lines ready to print. */
export class LuaContractError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'LuaContractError';
  }
}

const FLAGS = new Set(['allow-oom', 'no-writes']);
const TAG = /^@(\w+)\s*(.*)$/;
const OPERAND = /^([a-z][A-Za-z0-9]*)(\.\.\.)?(?:\s+(.*))?$/;

/** Reads the header: the shebang, then comment lines up to the first line that is none. */
export function readContract(source: string): LuaContract {
  const lines = source.split('\n');
  const problems: string[] = [];
  const flags: string[] = [];
  let line = 0;
  if (lines[0]?.startsWith('#!')) {
    flags.push(...readFlags(lines[0], problems));
    line = 1;
  }
  const prose: string[] = [];
  const keys: Operand[] = [];
  const args: Operand[] = [];
  let returns = '';
  let last: { description: string } | undefined;
  for (; lines[line]?.startsWith('--'); line += 1) {
    const text = lines[line]!.replace(/^--\s?/, '').trim();
    const [, tag, rest = ''] = TAG.exec(text) ?? [];
    if (tag === undefined) {
      // A line without a tag goes on with what stands above it.
      if (last) last.description = `${last.description} ${text}`.trim();
      else if (returns) returns = `${returns} ${text}`.trim();
      else prose.push(text);
    } else if (tag === 'key' || tag === 'arg') {
      const operand = readOperand(rest);
      if (!operand) problems.push(`line ${line + 1}: @${tag} is followed by a camelCase name: "${rest}"`);
      else (tag === 'key' ? keys : args).push(operand);
      last = operand;
      if (returns) problems.push(`line ${line + 1}: @${tag} stands after @returns`);
    } else if (tag === 'returns') {
      returns = rest;
      last = undefined;
      if (!rest) problems.push(`line ${line + 1}: @returns says nothing`);
    } else {
      problems.push(`line ${line + 1}: @${tag} is none of @key, @arg, @returns`);
    }
  }
  const description = prose.join(' ').trim();
  if (!description) problems.push('the header does not say what the script does');
  if (!returns) problems.push('the header has no @returns');
  problems.push(...checkOperands('key', keys), ...checkOperands('arg', args));
  if (problems.length > 0) throw new LuaContractError(problems);
  return { description, keys, args, returns, flags };
}

function readFlags(shebang: string, problems: string[]): string[] {
  const [, list] = /^#!lua(?: flags=([a-z,-]+))?$/.exec(shebang.trim()) ?? [];
  if (!/^#!lua( |$)/.test(shebang.trim()) || (shebang.includes('flags') && list === undefined)) {
    problems.push(`line 1: "${shebang}" is neither "#!lua" nor "#!lua flags=…"`);
    return [];
  }
  const flags = list ? list.split(',') : [];
  for (const flag of flags)
    if (!FLAGS.has(flag)) problems.push(`line 1: flag ${flag} is none of ${[...FLAGS].join(', ')}`);
  return flags;
}

function readOperand(text: string): Operand | undefined {
  const [, name, dots, description = ''] = OPERAND.exec(text) ?? [];
  return name === undefined ? undefined : { name, description, variadic: dots !== undefined };
}

function checkOperands(tag: 'key' | 'arg', operands: readonly Operand[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  operands.forEach((operand, index) => {
    if (seen.has(operand.name)) problems.push(`@${tag} ${operand.name} is declared twice`);
    seen.add(operand.name);
    if (operand.variadic && index < operands.length - 1)
      problems.push(`@${tag} ${operand.name}... is not the last @${tag}`);
    if (!operand.description) problems.push(`@${tag} ${operand.name} has no description`);
  });
  return problems;
}
