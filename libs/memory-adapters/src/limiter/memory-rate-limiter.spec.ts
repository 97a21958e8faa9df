import { describeRateLimiterContract } from '@redstart/ports/contracts';
import { openMemoryRateLimiter } from './memory-rate-limiter.subject.js';

describeRateLimiterContract('memory', { open: () => openMemoryRateLimiter() });
