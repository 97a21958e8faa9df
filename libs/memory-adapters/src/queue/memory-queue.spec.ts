import { describeQueueContract } from '@redstart/ports/contracts';
import { openMemoryQueue } from './memory-queue.subject.js';

describeQueueContract('memory', { open: () => openMemoryQueue() });
