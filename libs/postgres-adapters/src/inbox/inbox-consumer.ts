import { BackendFault, type Clock, type Delivered, type Handled } from '@redstart/ports';
import type { SqlTransaction } from '../unit-of-work/sql-executor.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import type { Inbox } from './inbox.js';

/** What the inbox reads of an event; structurally a `CloudEvent`. */
export interface SequencedEvent {
  id: string;
  source: string;
  subject: string;
  sequence: number;
}

export interface InboxConsumerParts<Tx extends SqlTransaction> {
  inbox: Inbox;
  unitOfWork: UnitOfWork<Tx>;
  clock: Clock;
  /** The consumer group. */
  group: string;
  /** Called once the effect is committed, before the event is acknowledged. */
  afterEffect?: () => void;
}

const GAP_RETRY_MS = 1000;
const OUTAGE_WAIT_MS = { first: 100, max: 2000 };

/**
 * A stream handler whose effect happens once and in order: inbox entry and effect in one transaction. While PostgreSQL
 * is away it waits here, holding the event, so that an outage burns no attempt and parks nothing.
 */
export function inboxConsumer<E extends SequencedEvent, Tx extends SqlTransaction>(
  parts: InboxConsumerParts<Tx>,
  effect: (event: E, tx: Tx) => Promise<void>,
): (delivered: Delivered<E>) => Promise<Handled> {
  const { inbox, unitOfWork, clock, group } = parts;
  const once = (event: E) =>
    unitOfWork.run(async (tx) => {
      const { id: eventId, source, subject, sequence } = event;
      const accepted = await inbox.accept(tx, { group, source, subject, sequence, eventId });
      if (accepted === 'new') await effect(event, tx);
      return accepted;
    });
  return async ({ event, signal }) => {
    for (let waitMs = OUTAGE_WAIT_MS.first; ; waitMs = Math.min(OUTAGE_WAIT_MS.max, 2 * waitMs)) {
      try {
        const accepted = await once(event);
        if (accepted === 'gap') return { retryInMs: GAP_RETRY_MS };
        parts.afterEffect?.();
        return 'done';
      } catch (error) {
        if (!isOutage(error) || signal.aborted) throw error;
        await clock.sleep(waitMs * (0.5 + Math.random() / 2), signal);
      }
    }
  };
}

/** It passes without anybody's doing. Another fault (too large, closed) would come again with the event. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof BackendFault)) return false;
  return error.code === 'UNAVAILABLE' || error.code === 'TIMEOUT' || error.code === 'FULL';
}
