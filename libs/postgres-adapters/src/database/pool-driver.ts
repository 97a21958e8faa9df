import { TimeoutFault, UnavailableFault } from '@redstart/ports';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { currentBudget } from './call-budget.js';
import { abortedFault, toFault, type Phase } from './postgres-faults.js';

export interface PoolDriverSettings {
  /** Resolves once the session's role is known; called again after it failed. */
  pool: () => Promise<Pool>;
  /** Names this pool in faults: `postgres.orders`. */
  name: string;
  /** Milliseconds the client waits for a statement's answer; above the server's statement_timeout, which answers first. */
  answerMs: number;
  /** Milliseconds to wait for a connection. */
  connectMs: number;
  /** Callers that may wait for a connection; one more is refused at once. */
  maxWaiting: number;
}

/** kysely's driver over one pg pool: every failure a `BackendFault` that is honest about its effect, nothing unbounded. */
export class PoolDriver implements Driver {
  #pool: Pool | undefined;

  constructor(private readonly settings: PoolDriverSettings) {}

  async init(): Promise<void> {
    this.#pool = await this.settings.pool();
  }

  async acquireConnection(): Promise<PooledConnection> {
    const pool = this.#pool!;
    const operation = `${this.settings.name}.connect`;
    if (pool.waitingCount >= this.settings.maxWaiting) {
      const message = `${pool.waitingCount} callers already wait for a connection`;
      throw new UnavailableFault(message, { operation, effect: 'none' });
    }
    const { signal, deadlineMs } = currentBudget();
    if (signal?.aborted) throw abortedFault(operation, 'none', signal.reason);
    // The pool's own limit starts anew when its queue moves; this one is the call's.
    const waitMs = Math.min(this.settings.connectMs, deadlineMs - performance.now());
    const pending = pool.connect();
    try {
      const client = await settleWithin(pending, { waitMs, signal, operation, phase: 'connect' });
      return new PooledConnection(client, this.settings);
    } catch (error) {
      // Given up on, yet it may still arrive: back to the pool with it.
      pending.then(
        (client) => client.release(),
        () => undefined,
      );
      throw toFault(error, { operation, phase: 'connect' });
    }
  }

  async beginTransaction(connection: PooledConnection, settings: TransactionSettings): Promise<void> {
    const isolation = settings.isolationLevel ? ` isolation level ${settings.isolationLevel}` : '';
    const access = settings.accessMode ? ` ${settings.accessMode}` : '';
    connection.inTransaction = true;
    await connection.command(`begin${isolation}${access}`, 'transaction');
  }

  async commitTransaction(connection: PooledConnection): Promise<void> {
    const tag = await connection.command('commit', 'commit');
    connection.inTransaction = false;
    // PostgreSQL answers ROLLBACK to the commit of a transaction in which a statement failed.
    if (tag === 'ROLLBACK') throw new TransactionRolledBackError();
  }

  /** Never throws: the error that led here is the one to report. A connection that cannot roll back is thrown away. */
  async rollbackTransaction(connection: PooledConnection): Promise<void> {
    try {
      if (connection.usable) await connection.command('rollback', 'transaction');
    } catch {
      connection.discard();
    }
    connection.inTransaction = false;
  }

  async releaseConnection(connection: PooledConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    // The handle ends the pool itself, within a deadline.
  }
}

/** A statement failed earlier in the transaction and the work went on as if it had not. Nothing was written. */
export class TransactionRolledBackError extends Error {
  readonly code = 'TRANSACTION_ROLLED_BACK';
  constructor() {
    super('the transaction was rolled back instead of committed: a statement in it failed and its error was swallowed');
    this.name = 'TransactionRolledBackError';
  }
}

class PooledConnection implements DatabaseConnection {
  inTransaction = false;
  usable = true;

  constructor(
    private readonly client: PoolClient,
    private readonly settings: PoolDriverSettings,
  ) {
    client.on('error', this.#lost);
    client.on('end', this.#lost);
  }

  /** Lost between two statements: the next one was never sent, a commit neither. */
  readonly #lost = (): void => this.discard();

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const reads = query.query.kind === 'SelectQueryNode';
    const phase: Phase = this.inTransaction ? 'transaction' : reads ? 'read' : 'write';
    const { rows, rowCount, command } = await this.#send(query.sql, query.parameters, phase);
    const changes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE' || command === 'MERGE';
    return changes ? { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) } : { rows: rows as R[] };
  }

  streamQuery(): AsyncIterableIterator<never> {
    throw new Error('streaming a result is not supported: page through it by key');
  }

  async command(text: string, phase: Phase): Promise<string> {
    return (await this.#send(text, [], phase)).command;
  }

  discard(): void {
    this.usable = false;
  }

  release(): void {
    this.client.off('error', this.#lost);
    this.client.off('end', this.#lost);
    this.client.release(!this.usable);
  }

  async #send(text: string, parameters: readonly unknown[], phase: Phase) {
    const operation = `${this.settings.name}.${phase === 'commit' ? 'commit' : 'query'}`;
    if (!this.usable) {
      throw new UnavailableFault('the connection was lost earlier in this transaction', { operation, effect: 'none' });
    }
    const { signal, deadlineMs } = currentBudget();
    // A commit that is due is sent whatever the budget: not sending it saves nothing, and its answer is short.
    const waitMs =
      phase === 'commit' ? this.settings.answerMs : Math.min(this.settings.answerMs, deadlineMs - performance.now());
    if (waitMs <= 0) {
      throw new TimeoutFault("the call's budget was spent before this statement", { operation, effect: 'none' });
    }
    if (signal?.aborted && phase !== 'commit') throw abortedFault(operation, 'none', signal.reason);
    const pending = this.client.query({ text, values: parameters as unknown[] });
    try {
      return await settleWithin(pending, {
        waitMs,
        signal: phase === 'commit' ? undefined : signal,
        operation,
        phase,
      });
    } catch (error) {
      const fault = toFault(error, { operation, phase });
      // Whatever is not a plain refusal of the statement leaves the session in doubt, perhaps with a query under way.
      this.usable = isServerRefusal(error);
      pending.catch(() => undefined);
      throw fault;
    }
  }
}

/** The server answered and keeps the session. */
function isServerRefusal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'severity' in error && error.severity === 'ERROR';
}

interface Wait {
  waitMs: number;
  signal: AbortSignal | undefined;
  operation: string;
  phase: Phase;
}

function settleWithin<R>(pending: Promise<R>, { waitMs, signal, operation, phase }: Wait): Promise<R> {
  const effect = phase === 'commit' || phase === 'write' ? 'unknown' : 'none';
  return new Promise<R>((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      settle();
    };
    const abort = () => finish(() => reject(abortedFault(operation, effect, signal?.reason)));
    const expire = () =>
      finish(() => reject(new TimeoutFault(`no answer within ${Math.round(waitMs)} ms`, { operation, effect })));
    const timer = setTimeout(expire, Math.max(0, waitMs));
    signal?.addEventListener('abort', abort, { once: true });
    pending.then(
      (value) => finish(() => resolve(value)),
      (error: unknown) => finish(() => reject(error)),
    );
  });
}
