import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CsvError, parseInvoiceLines, readInvoiceLines } from '../csv/invoice-line.js';
import { planReplay, sameLinesKey } from './plan.js';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const plan = (...rows: string[]) => planReplay(parseInvoiceLines([HEADER, ...rows].join('\n'), 'sample.csv'));
const row = (invoice: string, sku: string, quantity: number, price: string, customer = '17850') =>
  `${invoice},${sku},"A ""NICE"" THING, RED ",${quantity},01/12/2010 08:26,${price},${customer},United Kingdom`;

describe('the plan of a replay', () => {
  it('has each product once, case-sensitive, at its first price above 0, cancellations included', () => {
    const { catalogue } = plan(
      row('1', '15056bl', 1, '0.0'),
      row('C2', '15056bl', -1, '5.95'),
      row('3', '15056BL', 1, '6.00'),
      row('4', '15056bl', 1, '7.00'),
    );
    expect(catalogue).toEqual([
      { sku: '15056bl', name: 'A "NICE" THING, RED', price: 595 },
      { sku: '15056BL', name: 'A "NICE" THING, RED', price: 600 },
    ]);
  });

  it('adds up the lines of one sku in an invoice', () => {
    const { invoices } = plan(row('1', 'A', 2, '1'), row('1', 'B', 1, '1'), row('1', 'A', 3, '1'));
    expect(invoices[0]?.lines).toEqual([
      { sku: 'A', quantity: 5 },
      { sku: 'B', quantity: 1 },
    ]);
  });

  it('leaves out and counts lines without a price, or without a quantity outside a cancellation', () => {
    const { invoices, leftOut } = plan(
      row('1', 'A', 2, '1'),
      row('1', 'B', 2, '0'),
      row('1', 'C', -2, '1'),
      row('C2', 'A', -2, '1'),
      row('C2', 'B', -1, '0'),
      row('3', 'A', 0, '1'),
    );
    expect(leftOut).toBe(4);
    expect(invoices.map(({ kind }) => kind)).toEqual(['order', 'cancellation', 'empty']);
    expect(invoices[1]?.lines).toEqual([{ sku: 'A', quantity: 2 }]);
  });

  it('sends invoices without a customer to the guest', () => {
    const { invoices } = plan(row('1', 'A', 1, '1', ''), row('2', 'A', 1, '1', '12345'));
    expect(invoices.map(({ email }) => email)).toEqual(['guest@customers.example', '12345@customers.example']);
  });

  it('rounds prices by their digits', () => {
    const prices = plan(row('1', 'A', 1, '1.005'), row('1', 'B', 1, '0.001'), row('1', 'C', 1, '2.1')).catalogue;
    expect(prices.map(({ price }) => price)).toEqual([101, 0, 210]);
  });

  it('takes lines for the same whatever their order, and for others when a quantity differs', () => {
    const lines = [
      { sku: 'A', quantity: 1 },
      { sku: 'B', quantity: 2 },
    ];
    expect(sameLinesKey([...lines].reverse())).toBe(sameLinesKey(lines));
    expect(sameLinesKey([{ sku: 'A', quantity: 1 }])).not.toBe(sameLinesKey(lines));
    expect(sameLinesKey([lines[0]!, { sku: 'B', quantity: 3 }])).not.toBe(sameLinesKey(lines));
  });

  it('names the line, the column and what to do when the file is wrong', () => {
    expect(() => plan(row('1', 'A', 1, '1'), '2,A,X,many,01/12/2010 08:26,1,17850,UK')).toThrow(
      /sample\.csv, line 3: Quantity is "many", not a whole number; mend or remove the line/,
    );
    expect(() => parseInvoiceLines('a,b\n1,2\n', 'other.csv')).toThrow(/other\.csv lacks the column\(s\) InvoiceNo/);
    expect(() => parseInvoiceLines(HEADER, 'empty.csv')).toThrow(/no lines/);
    expect(() => readInvoiceLines('no-such.csv')).toThrow(CsvError);
  });
});

const real = fileURLToPath(new URL('../../../../../shared/data/online-retail/2010-12-01_to_03.csv', import.meta.url));
const onRealFile = existsSync(real) ? it : it.skip;
if (!existsSync(real)) console.warn('NOT VERIFIED: the Online Retail file is not there, the figures were not compared');

onRealFile('the plan of the first three days has the figures that API.md gives', () => {
  const { catalogue, invoices, leftOut } = planReplay(readInvoiceLines(real));
  const count = (kind: string) => invoices.filter((invoice) => invoice.kind === kind).length;
  expect({ all: invoices.length, orders: count('order'), empty: count('empty'), leftOut }).toEqual({
    all: 418,
    orders: 337,
    empty: 45,
    leftOut: 45,
  });
  const price = new Map(catalogue.map((product) => [product.sku, product.price]));
  const pence = invoices
    .filter(({ kind }) => kind === 'order')
    .flatMap(({ lines }) => lines)
    .reduce((sum, { sku, quantity }) => sum + quantity * price.get(sku)!, 0);
  expect(pence).toBe(15_280_556);
});
