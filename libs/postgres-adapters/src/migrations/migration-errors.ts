/** A step threw; it and all later ones did not happen, the ones before it stay. `cause` is what it threw. */
export class MigrationFailedError extends Error {
  readonly code = 'MIGRATION_FAILED';
  constructor(
    readonly owner: string,
    readonly migration: string,
    cause: unknown,
  ) {
    super(`migration ${owner}/${migration} failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = 'MigrationFailedError';
  }
}

/** The list itself is wrong: a name twice, or a new step that sorts before one that has been applied. */
export class MigrationOrderError extends Error {
  readonly code = 'MIGRATION_ORDER';
  constructor(
    readonly owner: string,
    readonly migration: string,
    reason: string,
  ) {
    super(`migration ${owner}/${migration} ${reason}`);
    this.name = 'MigrationOrderError';
  }
}

/** Another process held the migration lock for all of the time allowed. */
export class MigrationLockedError extends Error {
  readonly code = 'MIGRATION_LOCKED';
  constructor(readonly waitedMs: number) {
    super(`another process has been migrating this database for ${waitedMs} ms`);
    this.name = 'MigrationLockedError';
  }
}
