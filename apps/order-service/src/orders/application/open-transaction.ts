/** A transaction of the database, handed on to what is to write in it. Dead once its work has ended. */
export interface OpenTransaction {
  readonly isTransaction: true;
}
