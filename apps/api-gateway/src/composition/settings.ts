import { commonSettings, milliseconds, serviceUrl } from '@redstart/service-kit';
import { isIP } from 'node:net';
import { z } from 'zod';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const settingsSchema = z.object({
  ...commonSettings({ port: 3000 }),
  ORDER_SERVICE_URL: serviceUrl.default('tcp://127.0.0.1:3011'),
  EVENT_STREAMING_URL: serviceUrl.default('tcp://127.0.0.1:3021'),
  SESSION_IDLE_MS: milliseconds.default(30 * MINUTE_MS),
  SESSION_ABSOLUTE_MS: milliseconds.default(7 * DAY_MS),
  /** How many gateways share a limit while each counts for itself. */
  GATEWAY_REPLICAS: z.coerce.number('give a whole number from 1').int().min(1).default(1),
  /** Whose `X-Forwarded-For` is believed: off, on, or addresses and networks separated by commas. */
  TRUST_PROXY: z
    .string()
    .refine(
      (value) => ['on', 'off'].includes(value) || value.split(',').every(isNetwork),
      'give off, on, or addresses and networks separated by commas',
    )
    .default('off'),
});

/** An address, or one with the length of its prefix. */
function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.trim().split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

export type GatewaySettings = z.infer<typeof settingsSchema>;
