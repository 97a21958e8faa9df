import { z } from 'zod';

/** Money. `amount`: integer minor units (pence); `currency`: ISO 4217. */
export const moneySchema = z.object({ amount: z.int(), currency: z.string().length(3) });
export type Money = z.infer<typeof moneySchema>;
