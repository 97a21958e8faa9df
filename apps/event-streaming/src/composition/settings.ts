import { commonSettings, databaseUrl } from '@redstart/service-kit';
import { z } from 'zod';

export const settingsSchema = z.object({
  ...commonSettings({ port: 3020 }),
  DATABASE_URL: databaseUrl,
  /** From confirmed to delivered, by the carrier simulator. */
  DELIVERY_DELAY_MS: z.coerce.number('give milliseconds, a whole number').int().min(0).default(1000),
  /** Without it each mail is a file in DATA_DIR/mail. */
  SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\//, 'give smtp://user:password@host:587')
    .optional(),
});

export type EventStreamingSettings = z.infer<typeof settingsSchema>;
