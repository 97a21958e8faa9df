import { describe, expect, it } from '@jest/globals';
import { draft, MAX_LINES, MAX_QUANTITY } from './draft.js';

const catalogue = new Map(
  [
    { sku: 'A', name: 'Apple', price: 50 },
    { sku: 'B', name: 'Bell', price: 9_000_000_000 },
  ].map((product) => [product.sku, product]),
);

describe('a draft', () => {
  it('prices each line from the catalogue', () => {
    expect(draft([{ sku: 'A', quantity: 3 }], catalogue)).toEqual({
      status: 'drafted',
      lines: [{ sku: 'A', name: 'Apple', quantity: 3, unitPrice: 50, total: 150 }],
      total: 150,
    });
  });

  it.each([0, -1, 1.5, MAX_QUANTITY + 1])('refuses the quantity %d and names the line', (quantity) => {
    const lines = [
      { sku: 'A', quantity: 1 },
      { sku: 'A', quantity },
    ];
    expect(draft(lines, catalogue)).toMatchObject({
      code: 'QUANTITY_OUT_OF_RANGE',
      errors: [{ field: 'lines.1.quantity' }],
    });
  });

  it('takes the largest quantity', () => {
    expect(draft([{ sku: 'A', quantity: MAX_QUANTITY }], catalogue).status).toBe('drafted');
  });

  it('refuses a sku that the catalogue does not have, in its exact spelling', () => {
    expect(draft([{ sku: 'a', quantity: 1 }], catalogue)).toMatchObject({
      code: 'UNKNOWN_SKU',
      errors: [{ field: 'lines.0.sku' }],
    });
  });

  it('refuses a total that would not be exact', () => {
    expect(draft([{ sku: 'B', quantity: MAX_QUANTITY }], catalogue)).toMatchObject({ status: 'drafted' });
    const many = Array.from({ length: 2 }, () => ({ sku: 'B', quantity: MAX_QUANTITY }));
    expect(draft(many, catalogue)).toMatchObject({ code: 'TOTAL_OUT_OF_RANGE' });
  });

  it('refuses no line and too many', () => {
    expect(draft([], catalogue)).toMatchObject({ code: 'NO_LINES' });
    const many = Array.from({ length: MAX_LINES + 1 }, () => ({ sku: 'A', quantity: 1 }));
    expect(draft(many, catalogue)).toMatchObject({ code: 'TOO_MANY_LINES' });
  });
});
