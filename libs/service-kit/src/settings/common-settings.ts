import { z } from 'zod';

const REDIS_FORMS =
  'set redis://host:6379, or memory: for a backend inside this process that nothing outside can reach';

/** A TCP port; 0 lets the system choose. */
export const port = z.coerce.number('give a port, 0 to 65535').int().min(0).max(65535);
/** Milliseconds, from 1. */
export const milliseconds = z.coerce.number('give milliseconds, a whole number').int().min(1);
export const redisUrl = z.string(REDIS_FORMS).regex(/^(memory:$|[a-z-]+:\/\/)/, REDIS_FORMS);
export const databaseUrl = z
  .string('set postgres://user:password@host:5432/database')
  .regex(/^postgres(ql)?:\/\//, 'set postgres://user:password@host:5432/database');
/** tcp://host:port, several separated by commas. */
export const serviceUrl = z
  .string()
  .refine((urls) => urls.split(',').every(isTcpUrl), 'give tcp://host:port, several separated by commas');
export const currency = z.string().regex(/^[A-Z]{3}$/, 'give an ISO 4217 code, GBP');

/** What every service reads. Spread it into the service's own schema. */
export const commonSettings = (defaults: { port: number }) => ({
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(defaults.port),
  /** Default: PORT + 1. */
  RPC_PORT: port.optional(),
  REDIS_URL: redisUrl,
  CACHE_REDIS_URL: redisUrl.optional(),
  REDIS_TIMEOUT_MS: milliseconds.default(500),
  RPC_TIMEOUT_MS: milliseconds.default(3000),
  DATA_DIR: z.string().default('.data'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

export type CommonSettings = z.infer<z.ZodObject<ReturnType<typeof commonSettings>>>;

function isTcpUrl(url: string): boolean {
  if (!/^tcp:\/\/[^\s/?#@]+:\d+$/.test(url) || !URL.canParse(url)) return false;
  return Number(new URL(url).port) > 0;
}
