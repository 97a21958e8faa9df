import type { Clock } from '@redstart/ports';

/** One service's part of the database. */
export interface DatabaseSettings {
  /** `postgres://user:password@host:port/database`, parameters as libpq takes them. */
  url: string;
  /** The service's schema and, where the user may create roles, the role that owns it: lower case, `order_service`. */
  schema: string;
  /** Connections of the main pool. Default 10. Shares come on top, and one more listens while a relay runs. */
  poolSize?: number;
  /** Callers that may wait for a connection of a pool; one more is refused at once. Default 20 × the pool's size. */
  maxWaiting?: number;
  /** Milliseconds to connect, or to wait for a free connection. Default 2000. */
  connectTimeoutMs?: number;
  /** Milliseconds a statement may run, by the server's clock. Default 5000. The client waits one second longer. */
  statementTimeoutMs?: number;
  /** Milliseconds a statement waits for a row that another transaction holds. Default 3000. */
  lockTimeoutMs?: number;
  /** Milliseconds a transaction may idle before the server ends it: what frees the rows of a frozen process. Default 10000. */
  idleInTransactionTimeoutMs?: number;
  /** Shown in pg_stat_activity. Default: the schema. */
  applicationName?: string;
  /** Told of what nobody awaits: an idle connection lost, a listener that reconnects. */
  onFault?: (error: unknown) => void;
  /** Default: the machine's. */
  clock?: Clock;
}

const identifier = /^[a-z_][a-z0-9_]{0,40}$/;

/** A schema, table or column that goes into SQL text. */
export function checkIdentifier(name: string, what: string): string {
  if (!identifier.test(name)) {
    throw new RangeError(
      `${what} "${name}" must be lower-case letters, digits and _, at most 41, not beginning with a digit`,
    );
  }
  return name;
}
