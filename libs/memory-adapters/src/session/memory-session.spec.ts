import { describeSessionContract } from '@redstart/ports/contracts';
import { openMemorySessions } from './memory-session.subject.js';

describeSessionContract('memory', { open: () => openMemorySessions() });
