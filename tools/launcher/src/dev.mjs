// npm run dev: each service as a process of its own, in watch mode.
import { runTypeScript } from './run-typescript.mjs';

runTypeScript('tools/launcher/src/dev-services.ts');
