import type { BoardEntry, Ranked } from '@redstart/ports';
import type { BoardWindow } from '../domain/spend-windows.js';

/** Money that a user's order adds to the boards, or takes back from them. */
export interface Spend {
  orderId: string;
  userId: string;
  amount: number;
  countedAt: Date;
}

/** The truth of the boards, in PostgreSQL: scores with versions that only rise. */
export interface SpendStore<Tx> {
  nameCustomer(tx: Tx, customer: { id: string; name: string }): Promise<void>;
  /** Remembers that the order counts; false when it did already. */
  remember(tx: Tx, spend: Spend): Promise<boolean>;
  /** Forgets the order and answers what it had added; undefined when it did not count. */
  forget(tx: Tx, orderId: string): Promise<Spend | undefined>;
  /** Adds to a member's score (negative: takes away) and raises its version. */
  add(tx: Tx, window: BoardWindow, change: { userId: string; amount: number }): Promise<void>;

  /** The boards that have not expired. `incarnation`: of the one in Redis that publishing is for. */
  boards(): Promise<(BoardWindow & { incarnation?: string })[]>;
  /** Members whose last version has not been published. */
  unpublished(board: string, limit: number): Promise<BoardEntry[]>;
  /** Does nothing when publishing is for another incarnation by now. */
  markPublished(board: string, entries: readonly BoardEntry[], incarnation: string): Promise<void>;
  /**
   * From now on publishing is for `incarnation` (undefined: for one that is still to be made), to which nothing has been
   * published. Does nothing when it is already.
   */
  adopt(board: string, incarnation: string | undefined): Promise<void>;
  /** Deletes the boards that have expired. */
  purge(): Promise<void>;

  /** The board as the truth has it, for when the fast one is away. */
  top(board: string, limit: number): Promise<Ranked[]>;
  names(userIds: readonly string[]): Promise<Map<string, string>>;
}
