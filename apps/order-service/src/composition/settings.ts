import { commonSettings, currency, databaseUrl } from '@redstart/service-kit';
import { z } from 'zod';

const bothOrNone = 'ADMIN_EMAIL and ADMIN_PASSWORD go together: set both or none';

export const settingsSchema = z
  .object({
    ...commonSettings({ port: 3010 }),
    DATABASE_URL: databaseUrl,
    /** The one currency in which the shop sells. */
    CURRENCY: currency.default('GBP'),
    /** The administrator who is made at the start; a password that changed is changed. */
    ADMIN_EMAIL: z.email('give an e-mail address').optional(),
    ADMIN_PASSWORD: z.string().min(8, 'give at least 8 characters').optional(),
    /** Adds a demo catalogue and customer where they are missing. */
    SEED_DEMO: z
      .enum(['true', 'false', '1', '0'], 'give true or false')
      .default('false')
      .transform((value) => value === 'true' || value === '1'),
  })
  .refine(({ ADMIN_EMAIL, ADMIN_PASSWORD }) => (ADMIN_EMAIL === undefined) === (ADMIN_PASSWORD === undefined), {
    message: bothOrNone,
    path: ['ADMIN_PASSWORD'],
  });

export type OrderServiceSettings = z.infer<typeof settingsSchema>;
