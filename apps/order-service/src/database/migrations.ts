import { idempotencyTables, inboxTables, outboxTables, type Database } from '@redstart/postgres-adapters';
import { catalogueTables } from './0001-catalogue.js';
import { userTables } from './0002-users.js';
import { orderTables } from './0003-orders.js';

/** Expand-then-contract: the previous release runs on the new schema. A released step is never edited; add the next. */
const migrations = [catalogueTables, userTables, orderTables];

export const migrateOrderService = (database: Database<unknown>): Promise<string[]> =>
  database.migrate({ parts: [idempotencyTables, inboxTables, outboxTables], migrations });
