import { AbortedFault, type Call, type Clock, TimeoutFault } from '@redstart/ports';

export interface CoalesceOptions<In, Out> {
  /** The port and method, for faults. */
  operation: string;
  /** Calls in one flush at most. Near 1,000: Lua's `unpack`, and how long one script may block the server. */
  maxBatch: number;
  /** Default budget of a call, ms. */
  timeoutMs: number;
  clock: Clock;
  /**
   * Does a whole batch in one script call or variadic command and answers one result for each input, in order. When it
   * rejects, every call of the batch rejects with the same fault. `call.budgetMs` is the longest budget in the batch.
   */
  flush: (batch: readonly In[], call: Call) => Promise<readonly Out[]>;
}

interface Pending<In, Out> {
  input: In;
  budgetMs: number;
  resolve: (out: Out) => void;
  reject: (error: unknown) => void;
  state: 'waiting' | 'sent' | 'ended';
  /** Has a timer of its own. */
  bounded: boolean;
}

/**
 * Gathers all calls of one tick into one flush. Measured: 2 to 6 times the calls a second of autopipelining, which
 * still costs a command, a reply and a dispatch for each (SPEED.md); a lone caller pays nothing but `nextTick`.
 */
export function coalesce<In, Out>(options: CoalesceOptions<In, Out>): (input: In, call?: Call) => Promise<Out> {
  let gathered: Pending<In, Out>[] = [];

  const flush = () => {
    const calls = gathered.filter((pending) => pending.state === 'waiting');
    gathered = [];
    for (let from = 0; from < calls.length; from += options.maxBatch) {
      send(calls.slice(from, from + options.maxBatch), options);
    }
  };

  return (input, call) =>
    new Promise<Out>((resolve, reject) => {
      const pending: Pending<In, Out> = {
        input,
        budgetMs: call?.budgetMs ?? options.timeoutMs,
        resolve,
        reject,
        state: 'waiting',
        bounded: false,
      };
      if (call && (call.signal || call.budgetMs !== undefined)) bound(pending, call, options);
      if (pending.state === 'ended') return;
      gathered.push(pending);
      if (gathered.length === 1) process.nextTick(flush);
    });
}

function send<In, Out>(batch: Pending<In, Out>[], options: CoalesceOptions<In, Out>): void {
  let budgetMs = 0;
  for (const pending of batch) {
    pending.state = 'sent';
    budgetMs = Math.max(budgetMs, pending.budgetMs);
  }
  // A call that is alone, or among its like, needs no timer besides the batch's.
  for (const pending of batch) if (pending.budgetMs < budgetMs && !pending.bounded) bound(pending, {}, options);
  const inputs = batch.map((pending) => pending.input);
  const answered = (results: readonly Out[]) => {
    if (results.length !== batch.length) {
      throw new Error(`a batch of ${batch.length} calls was answered by ${results.length} results`);
    }
    batch.forEach((pending, index) => pending.resolve(results[index] as Out));
  };
  const failed = (error: unknown) => {
    for (const pending of batch) pending.reject(error);
  };
  // `flush` may throw before it answers a promise.
  new Promise<readonly Out[]>((resolve) => resolve(options.flush(inputs, { budgetMs }))).then(answered).catch(failed);
}

/** A call's own signal and budget: it ends alone, the batch goes on. */
function bound<In, Out>(pending: Pending<In, Out>, call: Call, options: CoalesceOptions<In, Out>): void {
  const { resolve, reject } = pending;
  const { operation } = options;
  pending.bounded = true;
  const timer = options.clock.after(pending.budgetMs, () =>
    pending.reject(new TimeoutFault('no reply from Redis in time', { effect: effect(), operation })),
  );
  const onAbort = () =>
    pending.reject(new AbortedFault('aborted', { effect: effect(), operation, cause: call.signal?.reason }));
  const effect = () => (pending.state === 'sent' ? 'unknown' : 'none');
  const settle = () => {
    pending.state = 'ended';
    timer.cancel();
    call.signal?.removeEventListener('abort', onAbort);
  };
  pending.resolve = (out) => {
    settle();
    resolve(out);
  };
  pending.reject = (error) => {
    settle();
    reject(error);
  };
  call.signal?.addEventListener('abort', onAbort, { once: true });
  if (call.signal?.aborted) onAbort();
}
