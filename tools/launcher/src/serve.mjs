// npx nx serve APP: one app in watch mode, without the others.
import { runTypeScript } from './run-typescript.mjs';

runTypeScript('tools/launcher/src/serve-app.ts', process.argv.slice(2));
