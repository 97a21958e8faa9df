import { describeLockContract } from '@redstart/ports/contracts';
import { openMemoryLock } from './memory-lock.subject.js';

describeLockContract('memory', { open: () => openMemoryLock() });
