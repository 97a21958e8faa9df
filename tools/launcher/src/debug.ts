import { pathToFileURL } from 'node:url';
import { mainOf } from './app-process.js';
import { embeddedEnvironment } from './embedded-environment.js';

// .vscode/launch.json: one app in this very process, so that breakpoints hold, on what an embedded run fills in.
// The PostgreSQL that it starts ends with this process, also when the debugger kills it.
const app = process.argv[2] ?? '';
const main = mainOf(app);
if (!main) {
  process.stderr.write(`No app "${app}": there is no apps/${app}/src/main.ts.\n`);
  process.exit(1);
}
const { env } = await embeddedEnvironment({
  env: process.env,
  redis: 'memory',
  onPostgresLost: (lastOutput) => process.stderr.write(`The embedded PostgreSQL ended by itself:\n${lastOutput}\n`),
});
Object.assign(process.env, env);
await import(pathToFileURL(main).href);
