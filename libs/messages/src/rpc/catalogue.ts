import type { Money } from '../money.js';
import { rpc, type CacheAnswerName, type Page } from './rpc.js';

/** `stock`: what can still be bought. `from`: how the cache answered. */
export interface Product {
  sku: string;
  name: string;
  price: Money;
  stock: number;
}

/** Refusals: `UNKNOWN_SKU` 404, `OTHER_CURRENCY` 422. */
export const catalogueRpc = {
  list: rpc<{ cursor?: string; limit: number }, Page<Product>>().as('catalogue.list'),
  get: rpc<{ sku: string }, { product: Product; from: CacheAnswerName }>().as('catalogue.get'),
  put: rpc<Product, { product: Product; created: boolean }>().as('catalogue.put'),
};
