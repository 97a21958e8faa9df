// Reads probes [{ file, code }] as JSON from stdin and writes { file: [ruleId] } to stdout. A program of its own, because
// ESLint with Nx's plugin does not run inside Jest's module sandbox. Nothing is written: the code goes in as text.
import { ESLint } from 'eslint';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const probes = JSON.parse(readFileSync(0, 'utf8'));
const eslint = new ESLint({ cwd: root });
const rules = {};
for (const { file, code } of probes) {
  const [result] = await eslint.lintText(code, { filePath: join(root, file) });
  rules[file] = (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message);
}
process.stdout.write(JSON.stringify(rules));
