// npm run replay and its like: node run-tool.mjs NAME [arguments].
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';
import { runTypeScript } from './run-typescript.mjs';

const [name = '', ...args] = process.argv.slice(2);
const file = `tools/${name}/src/main.ts`;
if (!/^[\w-]+$/.test(name) || !existsSync(join(root, file))) {
  process.stderr.write(`No tool "${name}": there is no ${file}.\n`);
  process.exit(1);
}
runTypeScript(file, args);
