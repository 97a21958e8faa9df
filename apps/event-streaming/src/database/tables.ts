import type { ColumnType, Generated, Kysely, Transaction } from 'kysely';

type Instant = ColumnType<Date, Date | string, Date | string>;

export interface DeliveryTable {
  order_id: string;
  id: string;
  status: 'due' | 'completed' | 'stopped';
  due_at: Instant;
}

export interface MailTable {
  event_id: string;
  recipient: string;
  subject: string;
  text: string;
  created_at: ColumnType<Date, never, never>;
  sent_at: ColumnType<Date | null, never, Date | string>;
  attempts: Generated<number>;
  next_at: ColumnType<Date, never, Date | string>;
}

export interface NotificationTable {
  event_id: string;
  user_id: string;
  order_id: string;
  type: string;
  text: string;
  created_at: Instant;
  read_at: ColumnType<Date | null, never, Date | string>;
}

export interface CustomerTable {
  id: string;
  name: string;
}

/** An order that counts on the board, and since when. */
export interface SpendOrderTable {
  order_id: string;
  user_id: string;
  amount: number;
  counted_at: Instant;
}

/** A member's score on a board, the truth; `published_version` is what the board in Redis has been told. */
export interface BoardTotalTable {
  board: string;
  user_id: string;
  total: number;
  version: number;
  published_version: Generated<number>;
}

/** `incarnation`: of the board in Redis to which `published_version` refers; null: one that is still to be made. */
export interface BoardTable {
  name: string;
  expires_at: ColumnType<Date | null, Date | string | null, never>;
  incarnation: ColumnType<string | null, never, string | null>;
}

export interface Tables {
  delivery: DeliveryTable;
  mail: MailTable;
  notification: NotificationTable;
  customer: CustomerTable;
  spend_order: SpendOrderTable;
  board_total: BoardTotalTable;
  board: BoardTable;
}

export type Db = Kysely<Tables>;
export type Tx = Transaction<Tables>;
