// npm start: the whole platform, embedded, or on the servers that REDIS_URL and DATABASE_URL name.
import { runTypeScript } from './run-typescript.mjs';

runTypeScript('tools/launcher/src/start-platform.ts');
