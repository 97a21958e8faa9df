import { openDatabase, type Database } from '@redstart/postgres-adapters';
import { createDatabase } from '@redstart/test-servers';
import { migrateEventStreaming } from './migrations.js';
import type { Tables } from './tables.js';

/** The service's schema in a database of its own. Tests only. */
export async function openDatabaseUnderTest(): Promise<{ database: Database<Tables>; close(): Promise<void> }> {
  const server = await createDatabase();
  const database = openDatabase<Tables>({ url: server.url, schema: 'event_streaming' });
  await migrateEventStreaming(database);
  return {
    database,
    close: async () => {
      await database.close();
      await server.drop();
    },
  };
}
