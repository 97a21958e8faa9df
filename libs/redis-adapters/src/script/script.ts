/** A script argument. Numbers are sent in decimal: safe integers only, never a float that matters to the last bit. */
export type ScriptArgument = string | number | Buffer;

/** Names of keys to values: one key, or a list for the variadic last one (`@key name...`). */
export type ScriptKeys = { readonly [name: string]: string | readonly string[] };

/** Names of arguments to values: one argument, or a list for the variadic last one (`@arg name...`). */
export type ScriptArguments = { readonly [name: string]: ScriptArgument | readonly ScriptArgument[] };

/**
 * A Lua script as TypeScript sees it. Made by `nx run lua-codegen:generate` from the header of a `.lua` file,
 * never by hand: a key or argument that is missing, misspelt or of the wrong arity does not compile.
 */
export interface Script<Keys extends ScriptKeys, Arguments extends ScriptArguments> {
  /** Folder and file, `lock/acquire`. */
  readonly name: string;
  readonly source: string;
  /** What EVALSHA takes. */
  readonly sha1: string;
  /** In the order of KEYS. */
  readonly keys: readonly (keyof Keys & string)[];
  /** In the order of ARGV. */
  readonly args: readonly (keyof Arguments & string)[];
  /** Runs although the server is full: only for scripts that take, finish, renew or release work. */
  readonly allowOom: boolean;
  /** Never there at run time; carries the types. */
  readonly types?: { keys: Keys; args: Arguments };
}

/** What EVAL and EVALSHA take after the script: the number of keys, the keys, the arguments. */
export function scriptOperands<Keys extends ScriptKeys, Arguments extends ScriptArguments>(
  script: Script<Keys, Arguments>,
  keys: Keys,
  args: Arguments,
): [numberOfKeys: number, ...operands: ScriptArgument[]] {
  const operands: [number, ...ScriptArgument[]] = [0];
  for (const name of script.keys) append(operands, keys[name] as string | readonly string[]);
  operands[0] = operands.length - 1;
  for (const name of script.args) append(operands, args[name] as ScriptArgument | readonly ScriptArgument[]);
  return operands;
}

function append(operands: ScriptArgument[], value: ScriptArgument | readonly ScriptArgument[]): void {
  // A loop, not a spread: a batch of many thousands would overflow the stack.
  if (Array.isArray(value)) for (const each of value as readonly ScriptArgument[]) operands.push(each);
  else operands.push(value as ScriptArgument);
}
