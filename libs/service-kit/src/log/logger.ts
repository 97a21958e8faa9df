import { pino, type Logger } from 'pino';

/** One JSON line a message on standard output. What may hold a secret is never written. */
export function createLogger(options: { name: string; level: string }): Logger {
  return pino({
    level: options.level,
    base: { service: options.name },
    redact: {
      paths: ['password', 'token', '*.password', '*.token', 'req.headers.authorization', 'req.headers.cookie'],
      censor: '[secret]',
    },
  });
}
