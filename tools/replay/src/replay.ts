import { randomBytes } from 'node:crypto';
import { sameLinesKey, type Plan, type PlannedInvoice } from './plan/plan.js';
import { eachLimited } from './shop/each-limited.js';
import { ShopError, type ShopClient, type ShopOrder } from './shop/shop-client.js';

export interface ReplayOptions {
  concurrency: number;
  /** How long to wait, after the last invoice, for orders to arrive. */
  settleMs: number;
  onProgress: (step: 'catalogue' | 'invoices' | 'deliveries', done: number, of: number) => void;
}

export interface Result {
  invoices: number;
  placed: number;
  cancelled: number;
  unmatched: number;
  empty: number;
  leftOut: number;
  delivered: number;
  seconds: number;
  /** What was refused, and why; one line each. */
  failures: string[];
  /** Ids of orders that had not arrived in time. */
  unsettled: string[];
}

const STOCK = 1_000_000;
const POLL_MS = 500;
const FINAL = new Set<ShopOrder['status']>(['delivered', 'rejected', 'cancelled']);

interface Known {
  id: string;
  linesKey: string;
  cancelled: boolean;
}

/** Sends a plan to the shop, each customer's invoices one after the other, and waits until every order has arrived. */
export async function replay(plan: Plan, shop: ShopClient, options: ReplayOptions): Promise<Result> {
  const result: Result = {
    invoices: plan.invoices.length,
    placed: 0,
    cancelled: 0,
    unmatched: 0,
    empty: 0,
    leftOut: plan.leftOut,
    delivered: 0,
    seconds: 0,
    failures: [],
    unsettled: [],
  };
  let products = 0;
  await eachLimited(plan.catalogue, options.concurrency, async (product) => {
    await shop.putProduct(product, STOCK);
    options.onProgress('catalogue', ++products, plan.catalogue.length);
  });

  const startedAt = performance.now();
  const placed: string[] = [];
  let invoices = 0;
  await eachLimited(byCustomer(plan.invoices), options.concurrency, async ({ email, invoices: own }) => {
    const customer = new Customer(shop, email);
    for (const invoice of own) {
      try {
        const done = await customer.send(invoice);
        if (done.kind === 'placed') placed.push(done.id);
        result[done.kind] += 1;
      } catch (error) {
        if (!(error instanceof ShopError) || error.status === 403) throw error;
        result.failures.push(`invoice ${invoice.invoiceNo}: ${error.message}`);
      }
      options.onProgress('invoices', ++invoices, plan.invoices.length);
    }
  });
  const settled = await settle(placed, shop, options);
  return { ...result, ...settled, seconds: (performance.now() - startedAt) / 1000 };
}

type Done = { kind: 'placed'; id: string } | { kind: 'cancelled' | 'unmatched' | 'empty' };

/** One customer's dealings with the shop, in the order of the file. */
class Customer {
  private id: Promise<string> | undefined;
  private readonly orders: Known[] = [];

  constructor(
    private readonly shop: ShopClient,
    private readonly email: string,
  ) {}

  async send(invoice: PlannedInvoice): Promise<Done> {
    if (invoice.kind === 'empty') return { kind: 'empty' };
    const linesKey = sameLinesKey(invoice.lines);
    if (invoice.kind === 'order') {
      const order = await this.shop.placeOrder({
        userId: await this.userId(),
        idempotencyKey: `replay-${invoice.invoiceNo}`,
        lines: invoice.lines,
      });
      this.orders.push({ id: order.id, linesKey, cancelled: false });
      return { kind: 'placed', id: order.id };
    }
    const order = this.orders.findLast((known) => !known.cancelled && known.linesKey === linesKey);
    if (!order) return { kind: 'unmatched' };
    await this.shop.cancelOrder(order.id);
    order.cancelled = true;
    return { kind: 'cancelled' };
  }

  private userId(): Promise<string> {
    const name = `Customer ${this.email.split('@')[0]}`;
    return (this.id ??= this.shop.ensureUser({
      email: this.email,
      name,
      password: randomBytes(24).toString('base64url'),
    }));
  }
}

function byCustomer(invoices: readonly PlannedInvoice[]): { email: string; invoices: PlannedInvoice[] }[] {
  const customers = new Map<string, PlannedInvoice[]>();
  for (const invoice of invoices) {
    const own = customers.get(invoice.email);
    if (own) own.push(invoice);
    else customers.set(invoice.email, [invoice]);
  }
  return [...customers].map(([email, own]) => ({ email, invoices: own }));
}

async function settle(
  orders: readonly string[],
  shop: ShopClient,
  { concurrency, settleMs, onProgress }: ReplayOptions,
): Promise<{ delivered: number; unsettled: string[] }> {
  const giveUpAt = performance.now() + settleMs;
  let waiting = [...new Set(orders)];
  const all = waiting.length;
  let delivered = 0;
  for (;;) {
    const still: string[] = [];
    await eachLimited(waiting, concurrency, async (id) => {
      const { status } = await shop.order(id);
      if (status === 'delivered') delivered += 1;
      if (!FINAL.has(status)) still.push(id);
    });
    onProgress('deliveries', all - still.length, all);
    if (still.length === 0 || performance.now() > giveUpAt) return { delivered, unsettled: still };
    waiting = still;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
