import type { Kysely } from 'kysely';

/** Anything that runs SQL: a kysely instance or transaction, whatever its tables. */
export type SqlExecutor = Pick<Kysely<unknown>, 'getExecutor'>;

/** A transaction, whatever its tables. What takes one must not run outside of it. */
export type SqlTransaction = SqlExecutor & { readonly isTransaction: true };
