import { describeStreamContract } from '@redstart/ports/contracts';
import { openMemoryStream } from './memory-stream.subject.js';

describeStreamContract('memory', { open: () => openMemoryStream() });
