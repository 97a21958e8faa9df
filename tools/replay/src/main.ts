import { readArguments, UsageError } from './arguments.js';
import { CsvError, readInvoiceLines } from './csv/invoice-line.js';
import { planReplay } from './plan/plan.js';
import { progressBar } from './progress.js';
import { replay } from './replay.js';
import { ShopClient, ShopError } from './shop/shop-client.js';
import { summary } from './summary.js';

const PATIENCE_MS = 2 * 60_000;
const SETTLE_MS = 10 * 60_000;
const FAILURES_SHOWN = 20;

/** Answers the exit code: 0 when nothing failed and every order has arrived. */
async function main(): Promise<number> {
  const { file, limit, concurrency, url, email, password } = readArguments(process.argv.slice(2), process.env);
  const plan = planReplay(readInvoiceLines(file), limit);
  const bar = progressBar();
  const shop = new ShopClient({ url, email, password, patienceMs: PATIENCE_MS });
  const result = await replay(plan, shop, {
    concurrency,
    settleMs: SETTLE_MS,
    onProgress: (step, done, of) => bar.show(step, done, of),
  }).finally(() => bar.stop());
  for (const failure of result.failures.slice(0, FAILURES_SHOWN)) console.error(failure);
  const hidden = result.failures.length - FAILURES_SHOWN;
  if (hidden > 0) console.error(`… and ${hidden} more`);
  if (result.unsettled.length > 0) console.error(`not arrived in time: ${result.unsettled.join(', ')}`);
  console.log(summary(result));
  return result.failures.length + result.unsettled.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError || error instanceof CsvError || error instanceof ShopError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
