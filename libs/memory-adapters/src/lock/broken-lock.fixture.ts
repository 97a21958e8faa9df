import { type Call } from '@redstart/ports';
import { describeLockContract } from '@redstart/ports/contracts';
import { MemoryLockDriver, type MemoryLocks } from './memory-lock-driver.js';
import { openMemoryLock } from './memory-lock.subject.js';

// Run by broken-lock.spec.ts: the suite must refuse this adapter.

/** The tutorials' bug: it deletes the key without looking whose it is. */
class ForgetsTheOwner extends MemoryLockDriver {
  constructor(
    private readonly all: MemoryLocks,
    ...rest: [ConstructorParameters<typeof MemoryLockDriver>[1]]
  ) {
    super(all, ...rest);
  }

  override async release(resource: string, _token: string, _call?: Call): Promise<'released' | 'lost'> {
    return this.all.held.delete(resource) ? 'released' : 'lost';
  }
}

describeLockContract('a broken adapter', {
  open: () => openMemoryLock((locks, clock) => new ForgetsTheOwner(locks, clock)),
});
