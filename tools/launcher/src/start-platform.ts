import { runSingleApp } from './single-app.js';

await runSingleApp({ app: 'all-in-one', watch: false, defaults: { SEED_DEMO: 'true' } });
