import { BackendFault, type Call } from '@redstart/ports';
import { PaymentGateway, type Charge, type Charged } from './payment-gateway.js';

/** A payment provider, and whether it answered when it was last asked. */
export class WatchedPayments extends PaymentGateway {
  private answered = true;

  constructor(private readonly provider: PaymentGateway) {
    super();
  }

  /** Unasked, it counts as there. */
  get available(): boolean {
    return this.answered;
  }

  charge(charge: Charge, call?: Call): Promise<Charged> {
    return this.watch(() => this.provider.charge(charge, call));
  }

  reverse(key: string, call?: Call): Promise<'refunded' | 'voided'> {
    return this.watch(() => this.provider.reverse(key, call));
  }

  private async watch<R>(ask: () => Promise<R>): Promise<R> {
    try {
      const answer = await ask();
      this.answered = true;
      return answer;
    } catch (error) {
      if (error instanceof BackendFault && error.code !== 'ABORTED') this.answered = false;
      throw error;
    }
  }
}
