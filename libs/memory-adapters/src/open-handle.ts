import { AbortedFault, type Call, ClosedFault } from '@redstart/ports';

/** One adapter's access to state that several share: closed for itself alone. */
export class OpenHandle {
  private closed = false;

  constructor(private readonly port: string) {}

  /** To be called first by every method. @throws ClosedFault, AbortedFault */
  enter(method: string, call: Call | undefined): void {
    const operation = `${this.port}.${method}`;
    if (this.closed) throw new ClosedFault('the adapter was closed', { effect: 'none', operation });
    if (call?.signal?.aborted) {
      throw new AbortedFault('aborted', { effect: 'none', operation, cause: call.signal.reason });
    }
  }

  close(): void {
    this.closed = true;
  }
}
