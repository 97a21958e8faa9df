import { runSingleApp } from './single-app.js';

// What matters here is the welcome, not each service's news.
process.env.LOG_LEVEL ||= 'warn';

await runSingleApp({ app: 'all-in-one', watch: false, defaults: { SEED_DEMO: 'true' } });
