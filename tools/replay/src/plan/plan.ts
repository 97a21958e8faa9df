import type { InvoiceLine } from '../csv/invoice-line.js';

export interface PlannedProduct {
  sku: string;
  name: string;
  /** Minor units. */
  price: number;
}

export interface OrderedLine {
  sku: string;
  quantity: number;
}

export interface PlannedInvoice {
  invoiceNo: string;
  /** The customer's e-mail. */
  email: string;
  kind: 'order' | 'cancellation' | 'empty';
  /** One per sku, quantities positive. */
  lines: OrderedLine[];
}

export interface Plan {
  catalogue: PlannedProduct[];
  /** In the order of the file. */
  invoices: PlannedInvoice[];
  /** Lines with no price, or with no quantity where it is no cancellation. */
  leftOut: number;
}

const GUEST = 'guest@customers.example';

/** What a file of invoices asks of the shop; the rules are in docs/replay.md. `limit`: only so many invoices. */
export function planReplay(lines: readonly InvoiceLine[], limit = Infinity): Plan {
  const invoices = new Map<string, InvoiceLine[]>();
  for (const line of lines) {
    const known = invoices.get(line.invoiceNo);
    if (known) known.push(line);
    else if (invoices.size < limit) invoices.set(line.invoiceNo, [line]);
  }
  let leftOut = 0;
  const planned = [...invoices].map(([invoiceNo, all]): PlannedInvoice => {
    const cancels = invoiceNo.toUpperCase().startsWith('C');
    const kept = all.filter(({ priced, quantity }) => priced && (cancels ? quantity !== 0 : quantity > 0));
    leftOut += all.length - kept.length;
    const kind = kept.length === 0 ? 'empty' : cancels ? 'cancellation' : 'order';
    return { invoiceNo, email: emailOf(all), kind, lines: addUp(kept) };
  });
  return { catalogue: catalogueOf(lines), invoices: planned, leftOut };
}

/** A key of exactly these lines, whatever their order. */
export function sameLinesKey(lines: readonly OrderedLine[]): string {
  return JSON.stringify(lines.map(({ sku, quantity }) => [sku, quantity]).sort());
}

function catalogueOf(lines: readonly InvoiceLine[]): PlannedProduct[] {
  const products = new Map<string, PlannedProduct>();
  for (const { stockCode, description, unitPrice, priced } of lines) {
    if (priced && !products.has(stockCode)) {
      products.set(stockCode, { sku: stockCode, name: description || stockCode, price: unitPrice });
    }
  }
  return [...products.values()];
}

function emailOf(lines: readonly InvoiceLine[]): string {
  const customerId = lines.find((line) => line.customerId)?.customerId;
  return customerId ? `${customerId}@customers.example` : GUEST;
}

function addUp(lines: readonly InvoiceLine[]): OrderedLine[] {
  const quantities = new Map<string, number>();
  for (const { stockCode, quantity } of lines) {
    quantities.set(stockCode, (quantities.get(stockCode) ?? 0) + Math.abs(quantity));
  }
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
}
