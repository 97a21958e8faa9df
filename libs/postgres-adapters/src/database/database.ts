import { ClosedFault, SystemClock, type Call, type Clock } from '@redstart/ports';
import { Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql, type Transaction } from 'kysely';
import { Client, Pool, types, type ClientConfig, type CustomTypesConfig, type PoolClient } from 'pg';
import { runMigrations } from '../migrations/migration-runner.js';
import { MigrationLockedError } from '../migrations/migration-errors.js';
import type { Migration, MigrationSet } from '../migrations/migration.js';
import { KyselyUnitOfWork } from '../unit-of-work/kysely-unit-of-work.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import { withinBudget } from './call-budget.js';
import { checkIdentifier, type DatabaseSettings } from './database-settings.js';
import { PoolDriver } from './pool-driver.js';
import { toFault } from './postgres-faults.js';
import { mayTakeRole, provisionSchema } from './provision.js';

/** A pool of connections with its own bound, as kysely and as units of work. */
export interface Share<DB> {
  readonly db: Kysely<DB>;
  readonly unitOfWork: UnitOfWork<Transaction<DB>>;
}

export interface MigrateOptions {
  /** The service's own steps. */
  migrations?: readonly Migration[];
  /** Parts of this library that the service uses: `idempotencyTables`, `outboxTables`, `inboxTables`. They run first. */
  parts?: readonly MigrationSet[];
  /** Milliseconds to wait while another process migrates. Default 60000. */
  waitMs?: number;
}

/**
 * A service's part of the database: its schema, as its role. Connects lazily, so it opens while PostgreSQL is away;
 * calls then reject with an `UnavailableFault` within `connectTimeoutMs` and work again by themselves.
 */
export interface Database<DB> extends Share<DB> {
  readonly schema: string;
  readonly clock: Clock;
  /**
   * A pool of its own, `connections` wide, so that no other traffic can starve it: orders keep theirs while reads
   * queue. The first call of a name makes it; later ones answer the same.
   */
  share(name: string, connections: number): Share<DB>;
  /**
   * Makes role and schema where they are missing and applies the steps that are. Safe when several processes start at
   * once: one works, the others wait. Answers what this call applied.
   * @throws MigrationFailedError, MigrationOrderError, MigrationLockedError, SchemaRoleError, BackendFault
   */
  migrate(options: MigrateOptions): Promise<string[]>;
  /** Resolves when PostgreSQL answers. */
  ping(call?: Call): Promise<void>;
  /** Options of a session as this service, for a connection outside the pools (a listener). */
  sessionConfig(): Promise<ClientConfig>;
  onFault(error: unknown): void;
  /** Lets running statements end for up to `deadlineMs` (5000), then cuts. A second call does nothing. */
  close(deadlineMs?: number): Promise<void>;
}

const MIGRATION_LOCK = "hashtextextended('redstart:migration', 0)";
const MIGRATION_STATEMENT_MS = 60_000;

export function openDatabase<DB>(settings: DatabaseSettings): Database<DB> {
  return new PooledDatabase<DB>(settings);
}

class PooledDatabase<DB> implements Database<DB> {
  readonly schema: string;
  readonly clock: Clock;
  readonly db: Kysely<DB>;
  readonly unitOfWork: UnitOfWork<Transaction<DB>>;
  readonly #connectMs: number;
  readonly #statementMs: number;
  readonly #pools: Pool[] = [];
  readonly #clients = new Set<PoolClient>();
  readonly #shares = new Map<string, Share<DB> & { connections: number }>();
  #takesRole: Promise<boolean> | undefined;
  #closing: Promise<void> | undefined;

  constructor(private readonly settings: DatabaseSettings) {
    this.schema = checkIdentifier(settings.schema, 'schema');
    this.clock = settings.clock ?? new SystemClock();
    this.#connectMs = settings.connectTimeoutMs ?? 2000;
    this.#statementMs = settings.statementTimeoutMs ?? 5000;
    const main = this.#open('postgres', settings.poolSize ?? 10);
    this.db = main.db;
    this.unitOfWork = main.unitOfWork;
  }

  share(name: string, connections: number): Share<DB> {
    const known = this.#shares.get(name);
    if (known && known.connections !== connections) {
      throw new RangeError(`share "${name}" has ${known.connections} connections, not ${connections}`);
    }
    if (known) return known;
    const made = { ...this.#open(`postgres.${name}`, connections), connections };
    this.#shares.set(name, made);
    return made;
  }

  async migrate({ migrations = [], parts = [], waitMs = 60_000 }: MigrateOptions): Promise<string[]> {
    const operation = 'postgres.migrate';
    const client = new Client(this.#config(false, MIGRATION_STATEMENT_MS));
    client.on('error', (error) => this.onFault(error));
    try {
      await client.connect();
      await this.#takeMigrationLock(client, waitMs);
      await provisionSchema(client, this.schema);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw toFault(error, { operation, phase: 'transaction' });
    }
    const takesRole = await mayTakeRole(client, this.schema);
    this.#takesRole = Promise.resolve(takesRole);
    // The lock lives in `client`'s session for as long as the steps run in another.
    const pool = this.#newPool(1, takesRole, MIGRATION_STATEMENT_MS);
    try {
      const { db } = this.#over('postgres.migrate', () => Promise.resolve(pool), MIGRATION_STATEMENT_MS, 1);
      const own = { owner: 'service', migrations };
      return await runMigrations(db as unknown as Kysely<unknown>, [...parts, own]);
    } finally {
      await pool.end().catch(() => undefined);
      await client.end().catch(() => undefined);
    }
  }

  async ping(call: Call = {}): Promise<void> {
    await withinBudget({ budgetMs: this.#connectMs, ...call }, () => sql`select 1`.execute(this.db));
  }

  async sessionConfig(): Promise<ClientConfig> {
    return this.#config(await this.#role(), this.#statementMs);
  }

  onFault(error: unknown): void {
    this.settings.onFault?.(error);
  }

  close(deadlineMs = 5000): Promise<void> {
    this.#closing ??= (async () => {
      const ended = Promise.allSettled(this.#pools.map((pool) => pool.end()));
      await Promise.race([ended, this.clock.sleep(deadlineMs)]);
      // With a statement under way, this breaks the connection.
      for (const client of this.#clients) void client.end().catch(() => undefined);
    })();
    return this.#closing;
  }

  async #takeMigrationLock(client: Client, waitMs: number): Promise<void> {
    const deadline = this.clock.monotonicMs() + waitMs;
    // Polled, not waited for: a statement that waits long cannot be told from a server that is gone.
    for (;;) {
      const { rows } = await client.query<{ held: boolean }>(`select pg_try_advisory_lock(${MIGRATION_LOCK}) as held`);
      if (rows[0]?.held) return;
      if (this.clock.monotonicMs() >= deadline) throw new MigrationLockedError(waitMs);
      await this.clock.sleep(100);
    }
  }

  #open(name: string, connections: number): Share<DB> {
    let opened: Promise<Pool> | undefined;
    const pool = () => {
      opened ??= this.#role()
        .then((takesRole) => {
          if (this.#closing)
            throw new ClosedFault('the database handle is closed', { operation: name, effect: 'none' });
          const made = this.#newPool(connections, takesRole, this.#statementMs);
          this.#pools.push(made);
          return made;
        })
        .catch((error: unknown) => {
          opened = undefined;
          throw toFault(error, { operation: `${name}.connect`, phase: 'connect' });
        });
      return opened;
    };
    return this.#over(name, pool, this.#statementMs, connections);
  }

  #over(name: string, pool: () => Promise<Pool>, statementMs: number, connections: number): Share<DB> {
    const driver = new PoolDriver({
      pool,
      name,
      answerMs: statementMs + 1000,
      connectMs: this.#connectMs,
      maxWaiting: this.settings.maxWaiting ?? 20 * connections,
    });
    const db = new Kysely<DB>({
      dialect: {
        createAdapter: () => new PostgresAdapter(),
        createDriver: () => driver,
        createIntrospector: (kysely) => new PostgresIntrospector(kysely),
        createQueryCompiler: () => new PostgresQueryCompiler(),
      },
    });
    return { db, unitOfWork: new KyselyUnitOfWork(db, this.clock) };
  }

  #newPool(connections: number, takesRole: boolean, statementMs: number): Pool {
    const pool = new Pool({
      ...this.#config(takesRole, statementMs),
      max: connections,
      idleTimeoutMillis: 30_000,
      allowExitOnIdle: true,
    });
    pool.on('error', (error) => this.onFault(error));
    // A client that is checked out has no listener of the pool's: unheard, its lost connection would end the process.
    pool.on('connect', (client) => {
      client.on('error', () => undefined);
      this.#clients.add(client);
    });
    pool.on('remove', (client) => this.#clients.delete(client));
    return pool;
  }

  /** Whether sessions take the schema's role; asked once, after a failure again. */
  #role(): Promise<boolean> {
    this.#takesRole ??= this.#askRole().catch((error: unknown) => {
      this.#takesRole = undefined;
      throw error;
    });
    return this.#takesRole;
  }

  async #askRole(): Promise<boolean> {
    const client = new Client(this.#config(false, this.#statementMs));
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await mayTakeRole(client, this.schema);
    } finally {
      void client.end().catch(() => undefined);
    }
  }

  #config(takesRole: boolean, statementMs: number): ClientConfig {
    const options = [
      takesRole ? `role=${this.schema}` : undefined,
      `search_path=${this.schema}`,
      `statement_timeout=${statementMs}`,
      `lock_timeout=${this.settings.lockTimeoutMs ?? 3000}`,
      `idle_in_transaction_session_timeout=${this.settings.idleInTransactionTimeoutMs ?? 10_000}`,
      'timezone=UTC',
    ];
    return {
      connectionString: this.settings.url,
      application_name: this.settings.applicationName ?? this.schema,
      connectionTimeoutMillis: this.#connectMs,
      query_timeout: statementMs + 1000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5000,
      types: exactTypes,
      options: options
        .filter((option) => option !== undefined)
        .map((option) => `-c ${option}`)
        .join(' '),
    };
  }
}

const INT8 = 20;
const DATE = 1082;

/** bigint as a number, which throws where it would round; a date as its text, which has no time zone. */
const exactTypes: CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary' && oid === INT8) return exactInteger;
    if (format !== 'binary' && oid === DATE) return (text: string) => text;
    return types.getTypeParser(oid, format as 'text');
  },
};

function exactInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is beyond what a number holds exactly`);
  return value;
}
