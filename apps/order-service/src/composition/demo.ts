import type { ProductStore } from '../catalogue/application/product-store.js';
import type { PasswordHasher } from '../users/application/password-hasher.js';
import { seedUser } from '../users/application/seed-user.js';
import type { UserStore } from '../users/application/user-store.js';

/** Whom `npm start` lets try it out, and what they buy. */
export const demoCustomer = {
  email: 'demo@redstart.example',
  password: 'redstart-demo',
  name: 'Demo Customer',
  sku: 'TEA-EARL-GREY',
} as const;

const products: [sku: string, name: string, price: number, stock: number][] = [
  [demoCustomer.sku, 'Earl Grey, 100 bags', 450, 10_000],
  ['TEA-ASSAM', 'Assam, loose, 250 g', 620, 10_000],
  ['MUG-BLUE', 'Stoneware mug, blue', 1_295, 5_000],
  ['MUG-RED', 'Stoneware mug, red', 1_295, 5_000],
  ['POT-1L', 'Teapot, 1 litre', 3_450, 800],
  ['STRAINER', 'Tea strainer, steel', 795, 2_000],
  ['TIN-STAR', 'Caddy with a redstart', 1_850, 10],
  ['KETTLE', 'Kettle, 1.7 litres', 5_999, 300],
];

/** Adds what is missing, and changes nothing that is there: a demo stock that was sold stays sold. */
export async function seedDemo(parts: {
  products: ProductStore;
  users: UserStore;
  hasher: PasswordHasher;
  currency: string;
}): Promise<void> {
  const { currency, hasher, users: store } = parts;
  await parts.products.addMissing(products.map(([sku, name, price, stock]) => ({ sku, name, price, currency, stock })));
  const { email, password, name } = demoCustomer;
  await seedUser({ store, hasher }, { email, password, name, role: 'customer' });
}
