import { ClientTCP } from '@nestjs/microservices';
import { AbortedFault, BackendFault, ClosedFault, TimeoutFault, UnavailableFault, type Call } from '@redstart/ports';
import type { Rpc } from '@redstart/messages';
import {
  bulkhead,
  BulkheadRejectedError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  isBrokenCircuitError,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import { firstValueFrom, ReplaySubject, takeUntil } from 'rxjs';
import { saysStopping } from './edge-problems.js';
import { isRpcProblem, RpcProblemError } from './rpc-problem-error.js';

export interface Address {
  host: string;
  port: number;
}

/** `tcp://host:port`, several separated by commas. */
export function parseAddresses(urls: string): Address[] {
  return urls.split(',').map((url) => {
    const { hostname, port } = new URL(url);
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
  });
}

interface Target {
  client: ClientTCP;
  breaker: CircuitBreakerPolicy;
}

const FAILURES_TO_OPEN = 5;
const HALF_OPEN_AFTER_MS = 1000;
const MAX_CONCURRENT = 512;

/**
 * Calls another service over Nest's TCP transport: round robin over its addresses, a deadline for every call, a
 * half-open breaker per address and one bulkhead for all. An address that refuses the connection is passed over, since
 * nothing was sent to it.
 */
export class RpcCaller {
  private readonly targets: Target[];
  private readonly bulkhead = bulkhead(MAX_CONCURRENT);
  private next = 0;
  private closed = false;

  constructor(private readonly options: { name: string; addresses: readonly Address[]; timeoutMs: number }) {
    this.targets = options.addresses.map((address) => ({
      client: new ClientTCP(address),
      breaker: circuitBreaker(
        handleWhen((error) => error instanceof BackendFault && error.code !== 'ABORTED'),
        { halfOpenAfter: HALF_OPEN_AFTER_MS, breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN) },
      ),
    }));
    // An unreachable service is told to the caller of each call; the client's own event would end the process.
    for (const { client } of this.targets) client.on('error' as never, (() => undefined) as never);
  }

  /**
   * @throws RpcProblemError when the service refused
   * @throws UnavailableFault | TimeoutFault when it could not be asked or did not answer in time
   * @throws AbortedFault when the caller's signal ended the wait; ClosedFault after `close`
   */
  async call<In, Out>(rpc: Rpc<string, In, Out>, input: In, call: Call = {}): Promise<Out> {
    const operation = `${this.options.name} ${rpc.pattern}`;
    // Before anything is begun: what is begun and not awaited would end the process when it fails.
    if (this.closed) throw new ClosedFault('the caller was closed', { effect: 'none', operation });
    if (call.signal?.aborted) throw new AbortedFault('the caller gave up', { effect: 'none', operation });
    const deadline = performance.now() + (call.budgetMs ?? this.options.timeoutMs);
    try {
      return await this.bulkhead.execute(() => this.tryTargets<Out>(rpc.pattern, input, { operation, deadline, call }));
    } catch (error) {
      if (error instanceof BulkheadRejectedError) {
        throw new UnavailableFault(`${MAX_CONCURRENT} calls are under way already`, {
          effect: 'none',
          operation,
          cause: error,
        });
      }
      throw error;
    }
  }

  /** Whether an address is reachable or has not been found away. */
  get available(): boolean {
    return this.targets.some(({ breaker }) => breaker.state !== CircuitState.Open);
  }

  close(): void {
    this.closed = true;
    for (const { client } of this.targets) client.close();
  }

  private async tryTargets<Out>(
    pattern: string,
    input: unknown,
    context: { operation: string; deadline: number; call: Call },
  ): Promise<Out> {
    const first = this.next++;
    let last: unknown;
    for (let tried = 0; tried < this.targets.length; tried++) {
      const target = this.targets[(first + tried) % this.targets.length]!;
      try {
        return await target.breaker.execute(() => this.send<Out>(target.client, pattern, input, context));
      } catch (error) {
        last = error;
        const nothingDone =
          isBrokenCircuitError(error) || (error instanceof UnavailableFault && error.effect === 'none');
        if (!nothingDone || this.closed) throw error;
      }
    }
    if (isBrokenCircuitError(last)) {
      throw new UnavailableFault('it has not answered lately', {
        effect: 'none',
        operation: context.operation,
        cause: last,
      });
    }
    throw last;
  }

  private async send<Out>(
    client: ClientTCP,
    pattern: string,
    input: unknown,
    { operation, deadline, call }: { operation: string; deadline: number; call: Call },
  ): Promise<Out> {
    let sent = false;
    // Else the client would keep a request that nobody waits for until its answer, or for ever.
    const givenUp = new ReplaySubject<void>(1);
    const answered = (async () => {
      try {
        await client.connect();
      } catch (error) {
        throw new UnavailableFault('cannot connect', { effect: 'none', operation, cause: error });
      }
      sent = true;
      try {
        return await firstValueFrom(client.send<Out>(pattern, input ?? {}).pipe(takeUntil(givenUp)));
      } catch (error) {
        if (isRpcProblem(error) && saysStopping(error)) {
          throw new UnavailableFault('it is being stopped', { effect: 'none', operation });
        }
        if (isRpcProblem(error)) throw new RpcProblemError(error);
        throw new UnavailableFault('the connection was lost', { effect: 'unknown', operation, cause: error });
      }
    })();
    return withDeadline(answered, {
      ms: deadline - performance.now(),
      signal: call.signal,
      givenUp: () => givenUp.next(),
      late: () => new TimeoutFault('no answer in time', { effect: sent ? 'unknown' : 'none', operation }),
      aborted: () => new AbortedFault('the caller gave up', { effect: sent ? 'unknown' : 'none', operation }),
    });
  }
}

function withDeadline<T>(
  work: Promise<T>,
  options: { ms: number; signal?: AbortSignal; givenUp: () => void; late: () => Error; aborted: () => Error },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      settle();
    };
    const giveUp = (reason: () => Error) =>
      finish(() => {
        reject(reason());
        options.givenUp();
      });
    const abort = () => giveUp(options.aborted);
    const timer = setTimeout(() => giveUp(options.late), Math.max(0, options.ms));
    // First of all: nobody else hears of the failure of what was given up, and unheard it would end the process.
    work.then(
      (value) => finish(() => resolve(value)),
      (error) => finish(() => reject(error)),
    );
    if (options.signal?.aborted) return abort();
    options.signal?.addEventListener('abort', abort, { once: true });
  });
}
