import type { Product } from '../domain/product.js';

export abstract class ProductStore {
  abstract find(sku: string): Promise<Product | undefined>;
  /** Those of the skus that exist, in no order. */
  abstract findMany(skus: readonly string[]): Promise<Product[]>;
  /** By sku, from after `after`. */
  abstract list(options: { after?: string; limit: number }): Promise<Product[]>;
  abstract put(product: Product): Promise<'created' | 'changed'>;
  /** Adds a product unless its sku exists; a demo catalogue must not put back a stock that was sold. */
  abstract addMissing(products: readonly Product[]): Promise<number>;
}
