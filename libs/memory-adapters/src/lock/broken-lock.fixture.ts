import { type Call, type Clock } from '@redstart/ports';
import { describeLockContract } from '@redstart/ports/contracts';
import { MemoryLockDriver, type MemoryLocks } from './memory-lock-driver.js';
import { openMemoryLock } from './memory-lock.subject.js';

// Run by broken-lock.spec.ts: the suite must refuse this adapter.

/** The tutorials' bug: it deletes the key without looking whose it is. */
class ForgetsTheOwner extends MemoryLockDriver {
  constructor(
    private readonly all: MemoryLocks,
    clock: Clock,
  ) {
    super(all, clock);
  }

  override async release(resource: string, token: string, call?: Call): Promise<'released' | 'lost'> {
    const answer = await super.release(resource, token, call);
    return this.all.held.delete(resource) ? 'released' : answer;
  }
}

describeLockContract('a broken adapter', {
  open: () => openMemoryLock((locks, clock) => new ForgetsTheOwner(locks, clock)),
});
