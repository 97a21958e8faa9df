import 'reflect-metadata';
import { runProcess } from '@redstart/service-kit';
import { startAll } from './start-all.js';
import { welcome } from './welcome.js';

await runProcess(async () => {
  const platform = await startAll(process.env);
  process.stdout.write(await welcome(platform, process.env));
  return platform;
});
