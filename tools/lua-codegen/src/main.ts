import { fileURLToPath } from 'node:url';
import { generate } from './generate.js';

const check = process.argv.includes('--check');
const at = process.argv.indexOf('--root');
const adapters = fileURLToPath(new URL('../../../libs/redis-adapters/src', import.meta.url));
const root = at < 0 ? adapters : (process.argv[at + 1] ?? adapters);
const { scripts, problems } = generate({ root, scriptModule: 'script/script.js', check });

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`${scripts.length} scripts ${check ? 'are as their .lua says' : 'made'}`);
