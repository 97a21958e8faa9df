import { runSingleApp } from './single-app.js';

const app = process.argv[2] ?? '';

await runSingleApp({
  app,
  watch: true,
  announce: ({ portsInMemory }) => {
    if (!portsInMemory || app === 'all-in-one') return;
    process.stderr.write(
      `${app} runs alone: its locks, queues and streams are in its own memory, nothing outside will reach it. ` +
        'Set REDIS_URL to join others, or use npm run dev.\n',
    );
  },
});
