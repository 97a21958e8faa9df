import { createHash } from 'node:crypto';
import { type LuaContract, type Operand } from './contract.js';

export interface RenderInput {
  /** Folder and file without ending, `lock/acquire`. */
  name: string;
  source: string;
  contract: LuaContract;
  /** How the generated file imports `Script`. */
  scriptModule: string;
}

/** The text of `<name>.script.ts`. */
export function render({ name, source, contract, scriptModule }: RenderInput): string {
  const { keys, args, flags } = contract;
  const file = name.slice(name.lastIndexOf('/') + 1);
  const exported = `${camelCase(file)}Script`;
  return `// Generated from ${file}.lua by \`nx run lua-codegen:generate\`. Do not edit.
import { ${args.length > 0 ? 'type Script, type ScriptArgument' : 'type Script'} } from '${scriptModule}';

/**
 * ${comment(contract.description)}
 *
 * @returns ${comment(contract.returns)}
 */
export const ${exported}: Script<
  ${shape(keys, 'string')},
  ${shape(args, 'ScriptArgument')}
> = {
  name: ${JSON.stringify(name)},
  sha1: ${JSON.stringify(createHash('sha1').update(source).digest('hex'))},
  keys: ${JSON.stringify(keys.map((key) => key.name))},
  args: ${JSON.stringify(args.map((arg) => arg.name))},
  allowOom: ${flags.includes('allow-oom')},
  source: ${literal(source)},
};
`;
}

function shape(operands: readonly Operand[], type: string): string {
  if (operands.length === 0) return 'Record<never, never>';
  const members = operands.map(
    ({ name, description, variadic }) =>
      `    /** ${comment(description)} */\n    ${name}: ${variadic ? `readonly ${type}[]` : type};`,
  );
  return `{\n${members.join('\n')}\n  }`;
}

function camelCase(file: string): string {
  return file.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function comment(text: string): string {
  return text.replaceAll('*/', '* /');
}

function literal(source: string): string {
  return `\`${source.replace(/[\\`]|\$\{/g, (special) => `\\${special}`)}\``;
}
