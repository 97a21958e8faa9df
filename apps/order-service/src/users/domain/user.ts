export interface User {
  id: string;
  /** Normalised; unique. */
  email: string;
  name: string;
  role: 'customer' | 'admin';
}

/** One spelling an address: without it `Customer@Example.com` and `customer@example.com` would be two accounts. */
export const normaliseEmail = (email: string): string => email.normalize('NFKC').trim().toLowerCase();
