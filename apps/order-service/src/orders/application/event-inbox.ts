import type { CloudEvent } from '@redstart/messages';

/** A transaction of the database, to be handed on to what writes in it. Dead once its work has ended. */
export interface OpenTransaction {
  readonly isTransaction: true;
}

/** Effects of events, each had once and in the order of its subject's sequence. */
export abstract class EventInbox {
  /**
   * Runs `effect` in one transaction with the mark that it was had. `duplicate`: it was had before; `gap`: an earlier
   * event of the subject is missing, so nothing was done and the event must come again.
   */
  abstract once(
    event: CloudEvent,
    effect: (tx: OpenTransaction) => Promise<void>,
  ): Promise<'new' | 'duplicate' | 'gap'>;
}
