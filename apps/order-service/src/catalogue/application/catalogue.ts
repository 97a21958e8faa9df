import { CacheOverloadedError, jsonCodec, type Cache, type Cached, type Call, type Space } from '@redstart/ports';
import type { Product } from '../domain/product.js';
import { batched } from './batched.js';
import type { ProductStore } from './product-store.js';

/**
 * Products behind the cache. Whatever changes one invalidates it at once after its commit; that is best effort, and
 * where it was lost the short `ttlMs` bounds how old an answer can be. The grace is for an outage of PostgreSQL: then
 * the answer is marked `stale`.
 */
export const productSpace: Space<Product> = {
  name: 'product',
  codec: jsonCodec<Product>('product@1'),
  ttlMs: 5_000,
  graceMs: 60 * 60_000,
};

export class UnknownSkuError extends Error {
  readonly code = 'UNKNOWN_SKU';
  constructor(readonly sku: string) {
    super(`there is no product "${sku}"`);
    this.name = 'UnknownSkuError';
  }
}

export class OtherCurrencyError extends Error {
  readonly code = 'OTHER_CURRENCY';
  constructor(readonly currency: string) {
    super(`this shop sells in ${currency}`);
    this.name = 'OtherCurrencyError';
  }
}

export class Catalogue {
  private readonly load: (sku: string) => Promise<Product | undefined>;

  constructor(
    private readonly parts: {
      store: ProductStore;
      /** With connections of its own, so that reads cannot starve orders. */
      orderStore: ProductStore;
      cache: Cache;
      currency: string;
    },
  ) {
    this.load = batched((skus) => this.bySku(parts.orderStore, skus));
  }

  /** @throws UnknownSkuError, CacheOverloadedError */
  async get(sku: string, call?: Call): Promise<Cached<Product> & { value: Product }> {
    const cached = await this.parts.cache.getOrLoad(productSpace, sku, () => this.parts.store.find(sku), call);
    if (!cached.value) throw new UnknownSkuError(sku);
    return { ...cached, value: cached.value };
  }

  async list({ after, limit }: { after?: string; limit: number }): Promise<{ items: Product[]; next?: string }> {
    const found = await this.parts.store.list({ after, limit: limit + 1 });
    const items = found.slice(0, limit);
    return found.length > limit ? { items, next: items.at(-1)!.sku } : { items };
  }

  /** Makes the product or changes all of it, its stock included. @throws OtherCurrencyError */
  async put(product: Product): Promise<{ product: Product; created: boolean }> {
    if (product.currency !== this.parts.currency) throw new OtherCurrencyError(this.parts.currency);
    const put = await this.parts.store.put(product);
    await this.forget([product.sku]);
    return { product, created: put === 'created' };
  }

  /**
   * What an order's lines cost: from the cache, the rest in one query. An outage of Redis must not refuse orders, so
   * where the cache's bulkhead is full PostgreSQL is asked past it.
   */
  async prices(skus: readonly string[]): Promise<Map<string, Product>> {
    const found = new Map<string, Product>();
    const past: string[] = [];
    await Promise.all(
      [...new Set(skus)].map(async (sku) => {
        try {
          const { value } = await this.parts.cache.getOrLoad(productSpace, sku, () => this.load(sku));
          if (value) found.set(sku, value);
        } catch (error) {
          if (!(error instanceof CacheOverloadedError)) throw error;
          past.push(sku);
        }
      }),
    );
    if (past.length > 0) {
      for (const [sku, product] of await this.bySku(this.parts.orderStore, past)) found.set(sku, product);
    }
    // A product in a currency that the shop has left is not for sale.
    for (const [sku, { currency }] of found) if (currency !== this.parts.currency) found.delete(sku);
    return found;
  }

  /** After a commit that changed products. Never rejects; what it could not do, `ttlMs` does. */
  async forget(skus: readonly string[]): Promise<void> {
    await this.parts.cache.invalidate(productSpace, skus);
  }

  private async bySku(store: ProductStore, skus: readonly string[]): Promise<Map<string, Product>> {
    return new Map((await store.findMany(skus)).map((product) => [product.sku, product]));
  }
}
