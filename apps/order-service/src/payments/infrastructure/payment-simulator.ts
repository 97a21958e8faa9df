import type { Call } from '@redstart/ports';
import { withinBudget, type Database, type Migration } from '@redstart/postgres-adapters';
import { sql } from 'kysely';
import { PaymentGateway, type Charge, type Charged } from '../application/payment-gateway.js';

/** Totals above this are refused, and nothing else. Minor units. */
export const REFUSED_ABOVE = 100_000_000;

/** Its own schema, beside order-service's: a provider shares no transaction with its customer. */
export const PAYMENT_SIMULATOR_SCHEMA = 'payment_simulator';

const ledger: Migration = {
  name: '0001-ledger',
  async up(db) {
    await sql`
      create table charge (
        key text primary key,
        outcome text not null check (outcome in ('charged', 'refused', 'voided')),
        amount bigint not null,
        currency text not null,
        asked_at timestamptz not null default now(),
        refunded_at timestamptz check (refunded_at is null or outcome = 'charged')
      )`.execute(db);
  },
};

/** Charges and refunds that were made; what a test counts. Amounts in minor units. */
export interface LedgerSummary {
  charges: number;
  refunds: number;
  charged: number;
  refunded: number;
}

/** A payment provider for a shop that has none yet, with a ledger that outlives every crash of its customer. */
export class PaymentSimulator extends PaymentGateway {
  constructor(private readonly database: Database<unknown>) {
    super();
  }

  migrate(): Promise<string[]> {
    return this.database.migrate({ migrations: [ledger] });
  }

  charge({ key, amount, currency }: Charge, call?: Call): Promise<Charged> {
    return withinBudget(call, async () => {
      const outcome = amount > REFUSED_ABOVE ? 'refused' : 'charged';
      // The no-op update makes the row come back whoever wrote it first.
      const { rows } = await sql<{ outcome: Charged }>`
        insert into charge (key, outcome, amount, currency) values (${key}, ${outcome}, ${amount}, ${currency})
        on conflict (key) do update set key = excluded.key
        returning outcome`.execute(this.database.db);
      return rows[0]!.outcome;
    });
  }

  reverse(key: string, call?: Call): Promise<'refunded' | 'voided'> {
    return withinBudget(call, async () => {
      const { rows } = await sql<{ outcome: Charged }>`
        insert into charge (key, outcome, amount, currency) values (${key}, 'voided', 0, '')
        on conflict (key) do update
          set refunded_at = case when charge.outcome = 'charged' then coalesce(charge.refunded_at, now()) end
        returning outcome`.execute(this.database.db);
      return rows[0]!.outcome === 'charged' ? 'refunded' : 'voided';
    });
  }

  async summary(): Promise<LedgerSummary> {
    const { rows } = await sql<LedgerSummary>`
      select count(*) as charges, count(refunded_at) as refunds, coalesce(sum(amount), 0)::bigint as charged,
        coalesce(sum(amount) filter (where refunded_at is not null), 0)::bigint as refunded
      from charge where outcome = 'charged'`.execute(this.database.db);
    return rows[0]!;
  }
}
