import type { CloudEvent } from '@redstart/messages';
import { Inbox, type Share } from '@redstart/postgres-adapters';
import { EventInbox, type OpenTransaction } from '../application/event-inbox.js';

export class PostgresEventInbox extends EventInbox {
  private readonly inbox = new Inbox();

  constructor(private readonly parts: { share: Share<unknown>; group: string }) {
    super();
  }

  once(
    { id: eventId, source, subject, sequence }: CloudEvent,
    effect: (tx: OpenTransaction) => Promise<void>,
  ): Promise<'new' | 'duplicate' | 'gap'> {
    const { share, group } = this.parts;
    return share.unitOfWork.run(async (tx) => {
      const accepted = await this.inbox.accept(tx, { group, source, subject, sequence, eventId });
      if (accepted === 'new') await effect(tx);
      return accepted;
    });
  }
}
