import type { Clock } from '@redstart/ports';
import type { ClientConfig } from 'pg';
import type { SqlExecutor } from '../unit-of-work/sql-executor.js';

/** A `Database` as this library's parts see it: whatever its tables. */
export interface ServiceDatabase {
  readonly schema: string;
  readonly clock: Clock;
  readonly db: SqlExecutor;
  share(name: string, connections: number): { readonly db: SqlExecutor };
  sessionConfig(): Promise<ClientConfig>;
  onFault(error: unknown): void;
}
