import type { OrderLine } from './order.js';

export interface AskedLine {
  sku: string;
  quantity: number;
}

export interface Priced {
  sku: string;
  name: string;
  /** Integer minor units. */
  price: number;
}

export const MAX_QUANTITY = 1_000_000;
export const MAX_LINES = 1_000;

export interface FieldError {
  field: string;
  message: string;
}

export type Draft =
  | { status: 'drafted'; lines: OrderLine[]; total: number }
  | { status: 'refused'; code: RefusalCode; detail: string; errors: FieldError[] };

export type RefusalCode =
  'NO_LINES' | 'TOO_MANY_LINES' | 'QUANTITY_OUT_OF_RANGE' | 'UNKNOWN_SKU' | 'TOTAL_OUT_OF_RANGE';

/** Prices what was asked for, or says all that is wrong with it. */
export function draft(asked: readonly AskedLine[], catalogue: ReadonlyMap<string, Priced>): Draft {
  if (asked.length === 0) return refused('NO_LINES', 'an order has at least one line', []);
  if (asked.length > MAX_LINES) return refused('TOO_MANY_LINES', `an order has at most ${MAX_LINES} lines`, []);
  const outside = errorsOf(asked, ({ quantity }) =>
    Number.isInteger(quantity) && quantity >= 1 && quantity <= MAX_QUANTITY
      ? undefined
      : { field: 'quantity', message: `must be a whole number from 1 to ${MAX_QUANTITY}` },
  );
  if (outside.length > 0) return refused('QUANTITY_OUT_OF_RANGE', 'a quantity is out of range', outside);
  const unknown = errorsOf(asked, ({ sku }) =>
    catalogue.has(sku) ? undefined : { field: 'sku', message: `there is no product "${sku}"` },
  );
  if (unknown.length > 0) return refused('UNKNOWN_SKU', 'a product is not in the catalogue', unknown);
  const lines = asked.map(({ sku, quantity }) => {
    const { name, price } = catalogue.get(sku)!;
    return { sku, name, quantity, unitPrice: price, total: price * quantity };
  });
  const total = lines.reduce((sum, line) => sum + line.total, 0);
  // Beyond this, integers are no longer exact, and money must be.
  if (!Number.isSafeInteger(total)) return refused('TOTAL_OUT_OF_RANGE', 'the total is too large', []);
  return { status: 'drafted', lines, total };
}

function errorsOf(asked: readonly AskedLine[], check: (line: AskedLine) => FieldError | undefined): FieldError[] {
  return asked.flatMap((line, index) => {
    const error = check(line);
    return error ? [{ field: `lines.${index}.${error.field}`, message: error.message }] : [];
  });
}

const refused = (code: RefusalCode, detail: string, errors: FieldError[]): Draft => ({
  status: 'refused',
  code,
  detail,
  errors,
});
