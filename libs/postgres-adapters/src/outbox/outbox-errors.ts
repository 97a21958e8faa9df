/** The stream knows positions that the database never gave: one of the two was restored or replaced. New events follow on. */
export class OutboxBehindStreamError extends Error {
  readonly code = 'OUTBOX_BEHIND_STREAM';
  constructor(
    readonly stream: string,
    readonly partition: number,
    readonly streamPosition: number,
    readonly outboxPosition: number,
  ) {
    super(
      `stream ${stream}/${partition} stands at ${streamPosition}, its outbox gave out ${outboxPosition}: the database was ` +
        `restored or is new; events follow on after ${streamPosition}`,
    );
    this.name = 'OutboxBehindStreamError';
  }
}

/** The stream wants rows that were dropped after their seven days: only resetting the stream's partition helps. */
export class OutboxRowsDroppedError extends Error {
  readonly code = 'OUTBOX_ROWS_DROPPED';
  constructor(
    readonly stream: string,
    readonly partition: number,
    readonly wanted: number,
    readonly oldest: number,
  ) {
    super(
      `stream ${stream}/${partition} wants position ${wanted}, the oldest that its outbox still has is ${oldest}: the ` +
        `stream was restored from before; delete its partition and the outbox appends what it has`,
    );
    this.name = 'OutboxRowsDroppedError';
  }
}

/** The partition is full, or refuses a position: reported while it lasts, and tried again. */
export class OutboxHeldUpError extends Error {
  readonly code = 'OUTBOX_HELD_UP';
  constructor(
    readonly stream: string,
    readonly partition: number,
    reason: string,
  ) {
    super(`stream ${stream}/${partition} ${reason}; its events wait in the outbox`);
    this.name = 'OutboxHeldUpError';
  }
}
