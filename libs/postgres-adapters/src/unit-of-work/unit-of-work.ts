import type { Call } from '@redstart/ports';

export interface UnitOptions extends Call {
  /** Default `read committed`. */
  isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /** Runs in all, the first included, when the database reports a conflict. Default 5. */
  attempts?: number;
}

/**
 * All or nothing: what `work` writes through its `tx` is committed when it resolves and undone when it throws.
 *
 * A serialization failure or a deadlock runs `work` again from the start, so it must have no effect but through `tx`;
 * what may happen only once it is committed goes to `afterCommit`. `tx` is dead once `work` has ended. Faults: before
 * the commit `effect` is `none`; a commit whose reply was lost is `unknown`: it may have happened, so ask (by
 * idempotency key) before doing it again.
 */
export abstract class UnitOfWork<Tx> {
  abstract run<R>(work: (tx: Tx) => Promise<R>, options?: UnitOptions): Promise<R>;
}
