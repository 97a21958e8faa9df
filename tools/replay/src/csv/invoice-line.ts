import { parse } from 'csv-parse/sync';
import { readFileSync } from 'node:fs';

/** A line of the UCI "Online Retail" layout. */
export interface InvoiceLine {
  /** Of the file, from 1. */
  line: number;
  invoiceNo: string;
  stockCode: string;
  description: string;
  quantity: number;
  /** Integer minor units, rounded half up. */
  unitPrice: number;
  /** Whether the price in the file is above 0, also where it rounds to 0. */
  priced: boolean;
  /** Empty: none. */
  customerId: string;
}

const COLUMNS = ['InvoiceNo', 'StockCode', 'Description', 'Quantity', 'UnitPrice', 'CustomerID'] as const;

/** The file is not what it should be; the message says where and what to do. */
export class CsvError extends Error {}

/** @throws CsvError naming the file, and the line where there is one */
export function readInvoiceLines(file: string): InvoiceLine[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CsvError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
  return parseInvoiceLines(text, file);
}

export function parseInvoiceLines(text: string, file: string): InvoiceLine[] {
  let records: { record: Record<string, string>; info: { lines: number } }[];
  try {
    records = parse(text, {
      bom: true,
      columns: (header: string[]) => header.map((name) => name.trim()),
      info: true,
      skip_empty_lines: true,
      relax_column_count: false,
    }) as never;
  } catch (error) {
    throw new CsvError(`${file} is not well-formed CSV: ${(error as Error).message}`);
  }
  const [first] = records;
  if (!first) throw new CsvError(`${file} has no lines below its header`);
  const missing = COLUMNS.filter((column) => !(column in first.record));
  if (missing.length > 0) {
    throw new CsvError(`${file} lacks the column(s) ${missing.join(', ')}; it needs ${COLUMNS.join(', ')}`);
  }
  return records.map(({ record, info }) => toLine(record as Row, info.lines, file));
}

type Row = Record<(typeof COLUMNS)[number], string>;

function toLine(row: Row, line: number, file: string): InvoiceLine {
  const wrong = (column: keyof Row, want: string) =>
    new CsvError(`${file}, line ${line}: ${column} is "${row[column]}", not ${want}; mend or remove the line`);
  const invoiceNo = row.InvoiceNo.trim();
  const stockCode = row.StockCode.trim();
  if (!invoiceNo) throw wrong('InvoiceNo', 'an invoice number');
  if (!stockCode) throw wrong('StockCode', 'a stock code');
  if (!/^-?\d+$/.test(row.Quantity.trim())) throw wrong('Quantity', 'a whole number');
  const price = minorUnits(row.UnitPrice.trim());
  if (price === undefined) throw wrong('UnitPrice', 'a decimal number');
  return {
    line,
    invoiceNo,
    stockCode,
    description: row.Description.trim(),
    quantity: Number(row.Quantity),
    unitPrice: price,
    priced: Number(row.UnitPrice) > 0,
    customerId: row.CustomerID.trim().replace(/\.0$/, ''),
  };
}

/** By digits, not by floating point: 1.005 is 101 pence, not 100. */
function minorUnits(text: string): number | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return undefined;
  const [, sign, whole, fraction = ''] = match;
  const padded = fraction.padEnd(3, '0');
  const magnitude = Number(whole) * 100 + Number(padded.slice(0, 2)) + (padded.charAt(2) >= '5' ? 1 : 0);
  return sign ? -magnitude : magnitude;
}
