import {
  AbortedFault,
  BackendFault,
  ClosedFault,
  FullFault,
  TimeoutFault,
  UnavailableFault,
  type Effect,
} from '@redstart/ports';

/**
 * Where in a call it failed. What is known of its effect follows: before a commit was sent nothing has happened, since
 * PostgreSQL rolls back what it did not commit; a commit, or a write outside a transaction, whose reply was lost is
 * `unknown`.
 */
export type Phase = 'connect' | 'transaction' | 'commit' | 'read' | 'write';

export interface Failure {
  operation: string;
  phase: Phase;
}

/** The fields of pg's DatabaseError that decide; told by shape, since a test's realm has other classes. */
interface ServerError {
  code: string;
  severity?: string;
  constraint?: string;
  table?: string;
}

const sqlState = /^[0-9A-Z]{5}$/;

function serverError(error: unknown): ServerError | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || !('severity' in error)) return undefined;
  return typeof error.code === 'string' && sqlState.test(error.code) ? (error as ServerError) : undefined;
}

/** SQLSTATEs that end the session or refuse it: the server is not there for us now. Class 08 besides. */
const unavailable = new Set(['57P01', '57P02', '57P03', '57P05', '53300', '25006']);
/** statement_timeout or a cancel, lock_timeout, idle_in_transaction_session_timeout, transaction_timeout. */
const timedOut = new Set(['57014', '55P03', '25P03', '25P04']);
/** Disk full, out of memory. */
const full = new Set(['53100', '53200', '53400']);
/** Serialization failure, deadlock: the same work, run again, may succeed. */
const conflicts = new Set(['40001', '40P01']);

/** True for a serialization failure or a deadlock: nothing was written and the same work may succeed when run again. */
export function isConflict(error: unknown): boolean {
  const known = serverError(error);
  return known !== undefined && (conflicts.has(known.code) || missedItsDay(known));
}

/** A row on its way to the default table of a partitioned one, whose own table was attached while it waited. */
function missedItsDay({ code, constraint, table }: ServerError): boolean {
  return code === '23514' && constraint === undefined && (table?.endsWith('_default') ?? false);
}

/** True when a unique or primary key (that of `constraint`, if named) refused a row. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const known = serverError(error);
  return known?.code === '23505' && (constraint === undefined || known.constraint === constraint);
}

/** True when a check constraint (that of `constraint`, if named) refused a row. */
export function isCheckViolation(error: unknown, constraint?: string): boolean {
  const known = serverError(error);
  return known?.code === '23514' && (constraint === undefined || known.constraint === constraint);
}

function effectOf(phase: Phase, known: ServerError | undefined): Effect {
  if (phase !== 'commit' && phase !== 'write') return 'none';
  // An answer of severity ERROR says that the statement was refused; FATAL and PANIC end the session around it.
  return known && known.severity === 'ERROR' ? 'none' : 'unknown';
}

/** Driver errors are plain Errors told apart by text only (pg and pg-pool). */
const silent = /timeout|ETIMEDOUT/i;
const ended = /after calling end|has been closed/i;

/**
 * A pg error as a `BackendFault`, or as it was when it is not the backend's failure: a constraint, a conflict
 * (`isConflict`), a mistake in SQL.
 */
export function toFault(error: unknown, { operation, phase }: Failure): unknown {
  if (error instanceof BackendFault) return error;
  const known = serverError(error);
  const options = { operation, effect: effectOf(phase, known), cause: error };
  if (known) {
    if (known.code.startsWith('08') || unavailable.has(known.code)) {
      return new UnavailableFault(`PostgreSQL is not available (${known.code})`, options);
    }
    if (timedOut.has(known.code)) return new TimeoutFault(`PostgreSQL gave up waiting (${known.code})`, options);
    if (full.has(known.code)) return new FullFault(`PostgreSQL is out of room (${known.code})`, options);
    return error;
  }
  if (!isConnectionError(error)) return error;
  const message = error.message || ('code' in error ? String(error.code) : 'no reason given');
  if (ended.test(message)) return new ClosedFault('the database handle is closed', { ...options, effect: 'none' });
  if (silent.test(message)) return new TimeoutFault(`no answer from PostgreSQL in time (${message})`, options);
  return new UnavailableFault(`PostgreSQL cannot be reached (${message})`, options);
}

/** What pg throws besides server errors: Node's socket errors (with a code) and its own plain Errors. */
function isConnectionError(error: unknown): error is Error {
  if (typeof error !== 'object' || error === null || !('message' in error)) return false;
  const { name } = error as Error;
  // A parameter that cannot be serialized is the caller's mistake.
  return name === 'Error' || name === 'AggregateError';
}

export function abortedFault(operation: string, effect: Effect, cause: unknown): AbortedFault {
  return new AbortedFault("the caller's signal ended the wait", { operation, effect, cause });
}
