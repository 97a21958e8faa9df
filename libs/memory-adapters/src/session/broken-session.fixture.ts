import { type Call, type SessionKey, type SessionLookup } from '@redstart/ports';
import { describeSessionContract } from '@redstart/ports/contracts';
import { MemorySessionDriver, type MemorySessions } from './memory-session-driver.js';
import { openMemorySessions } from './memory-session.subject.js';

// Run by broken-session.spec.ts: the suite must refuse this adapter.

/** Its extension writes the session back, whatever has become of it. */
class RevivesTheRevoked extends MemorySessionDriver {
  constructor(private readonly all: MemorySessions) {
    super(all);
  }

  override async read(at: SessionKey, call?: Call): Promise<SessionLookup> {
    const entry = this.all.entry(at);
    if (entry?.ended) Object.assign(entry, { ended: false, body: JSON.stringify({ id: 'revived' }) });
    return super.read(at, call);
  }
}

describeSessionContract('a broken adapter', {
  open: () => openMemorySessions((sessions) => new RevivesTheRevoked(sessions)),
});
