import type { OpenTransaction } from './open-transaction.js';
import type { Move, Order, OrderLine, OrderStatus, Payment } from '../domain/order.js';

export interface NewOrder {
  customer: Order['customer'];
  placedBy?: string;
  lines: readonly OrderLine[];
  total: number;
  currency: string;
}

/** What was answered to a request, as it is stored and repeated. */
export interface Answer {
  status: number;
  body: unknown;
}

export interface PlaceRequest {
  userId: string;
  idempotencyKey: string;
  bodyHash: string;
  now: number;
  /** An order to write, or a refusal that is remembered all the same. */
  outcome: { order: NewOrder; answer: (order: Order) => Answer } | { refusal: Answer };
}

export type Placed =
  | { status: 'answered'; answer: Answer; replayed: boolean }
  /** The key was used with another body. */
  | { status: 'key-reused' }
  /** Another request with this key has not ended yet. */
  | { status: 'in-flight' };

export type Reserved =
  /** The order with its reservation, and the payment that is to be asked for. */
  | { status: 'reserved'; order: Order; payment: Payment }
  /** It was rejected in the same transaction, since an item is not there. */
  | { status: 'out-of-stock' }
  /** It has moved on, or a later holder of its lock has claimed it. */
  | { status: 'lost' };

export type Moved = { status: 'moved'; order: Order } | { status: 'refused'; order: Order } | { status: 'unknown' };

export interface HistoryEvent {
  id: string;
  type: string;
  /** RFC 3339, UTC. */
  time: string;
  data: unknown;
}

/**
 * Orders, with all that changes together with them: stock, the payment's mark, the event in history and outbox. Each
 * method is one transaction. Faults are `BackendFault`s.
 */
export abstract class OrderStore {
  /** Order, answer by idempotency key, and event: all or nothing. */
  abstract place(request: PlaceRequest): Promise<Placed>;

  abstract find(id: string): Promise<Order | undefined>;
  /** Newest first, from before the order `before`. */
  abstract list(options: { userId?: string; status?: OrderStatus; before?: string; limit: number }): Promise<Order[]>;
  abstract history(id: string): Promise<HistoryEvent[]>;
  /** Those of the ids that are still `placed`. */
  abstract stillPlaced(ids: readonly string[]): Promise<string[]>;

  /** First step of a lease holder: after it, writes of earlier holders are refused. */
  abstract claim(id: string, fence: number): Promise<'claimed' | 'stale'>;

  /**
   * Takes the lines out of the stock, all or none, and writes down that a charge will be asked for, or rejects the
   * order as `OUT_OF_STOCK`. Repeating it reserves nothing again.
   */
  abstract reserve(id: string, options: { fence: number; now: number }): Promise<Reserved>;

  /**
   * Locks the order, lets `decide` say what becomes of it, and does that. With a `fence` only its holder may.
   * `refused`: `decide` had no move, or the fence is an earlier one's. With a `tx` it is part of that transaction.
   */
  abstract move(
    id: string,
    options: { fence?: number; now: number; tx?: OpenTransaction },
    decide: (order: Order) => Move | undefined,
  ): Promise<Moved>;

  /** The payment, `reversal-due`, was undone. Repeating it changes nothing. */
  abstract settle(id: string, payment: { number: number; state: 'refunded' | 'voided' }): Promise<void>;

  /**
   * Adds the time since the last look, at most `capMs`, to the time in which orders could have moved, if they could.
   * Answers all of that time. Replicas share it.
   */
  abstract healthyTime(options: { now: number; healthy: boolean; capMs: number }): Promise<number>;
  /** Orders still `placed` whose healthy time at placing was at most `placedHealthyMs`. */
  abstract overdue(options: { placedHealthyMs: number; limit: number }): Promise<string[]>;
  /** Orders that have been `placed`, and not nudged, for `quietMs`; marks them as nudged now. */
  abstract nudge(options: { now: number; quietMs: number; limit: number }): Promise<string[]>;
  /** Orders whose payment has been `reversal-due`, and not nudged, for `quietMs`; marks them as nudged now. */
  abstract nudgeReversals(options: { now: number; quietMs: number; limit: number }): Promise<string[]>;
}
