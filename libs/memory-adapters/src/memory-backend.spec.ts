import { expect, it } from '@jest/globals';
import { SystemClock } from '@redstart/ports';
import { describeAdaptersContract } from '@redstart/ports/contracts';
import { MemoryBackend } from './memory-backend.js';
import { openAdapters } from './open-adapters.js';

const settings = { timeoutMs: 500, clock: new SystemClock() };

describeAdaptersContract('memory', {
  open: async () => {
    const backend = new MemoryBackend();
    const subject = backend.open(settings);
    const other = backend.open(settings);
    return {
      subject,
      other,
      close: async () => {
        await Promise.all([subject.close(), other.close()]);
      },
    };
  },
});

it('gives a lone service a backend of its own', async () => {
  const [one, two] = [openAdapters(settings), openAdapters(settings)];
  expect((await one.lock.acquire('order', { ttlMs: 1000 })).status).toBe('held');
  expect((await two.lock.acquire('order', { ttlMs: 1000 })).status).toBe('held');
  await Promise.all([one.close(), two.close()]);
});
