import { inboxTables, outboxTables, type Database } from '@redstart/postgres-adapters';
import { reactionTables } from './0001-reactions.js';
import type { Tables } from './tables.js';

/** Expand-then-contract: the previous release runs on the new schema. A released step is never edited; add the next. */
const migrations = [reactionTables];

export const migrateEventStreaming = (database: Database<Tables>): Promise<string[]> =>
  database.migrate({ parts: [inboxTables, outboxTables], migrations });
