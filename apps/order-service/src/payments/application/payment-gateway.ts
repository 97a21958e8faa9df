import type { Call } from '@redstart/ports';

export interface Charge {
  /** Idempotency key: the same key is charged at most once, however often it is asked. */
  key: string;
  /** Integer minor units. */
  amount: number;
  currency: string;
}

/** `voided`: the key was reversed before it was ever charged, and cannot be charged any more. */
export type Charged = 'charged' | 'refused' | 'voided';

/** The payment provider. Faults are `BackendFault`s; a charge that failed may have happened, so repeat it by its key. */
export abstract class PaymentGateway {
  /** Repeating a key answers as the first time, whatever amount comes with it. */
  abstract charge(charge: Charge, call?: Call): Promise<Charged>;
  /**
   * Undoes whatever became of the key: `refunded`, it had been charged; `voided`, nothing was charged and nothing ever
   * will be. Repeating it answers as the first time and pays nothing back twice.
   */
  abstract reverse(key: string, call?: Call): Promise<'refunded' | 'voided'>;
}
