export interface Product {
  /** Case-sensitive. */
  sku: string;
  name: string;
  /** Integer minor units of `currency`. */
  price: number;
  currency: string;
  /** What can still be bought: reserved goods are not in it. */
  stock: number;
}
