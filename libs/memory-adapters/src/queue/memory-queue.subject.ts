import { type Clock, DrivenTaskQueue, type QueueDriver } from '@redstart/ports';
import { faulty, type QueueUnderTest, simulatedTroubles } from '@redstart/ports/contracts';
import { ManualClock } from '../clock/manual-clock.js';
import { MemoryQueueDriver, MemoryQueues } from './memory-queue-driver.js';

type Driver = QueueDriver & { close(): void };

/** For specs: two handles of one backend, the first over a driver that can be troubled. */
export async function openMemoryQueue(
  makeDriver: (queues: MemoryQueues, clock: Clock) => Driver = (queues, clock) => new MemoryQueueDriver(queues, clock),
): Promise<QueueUnderTest> {
  const clock = new ManualClock();
  const queues = new MemoryQueues();
  const mine = makeDriver(queues, clock);
  const theirs = makeDriver(queues, clock);
  const { faults, ...troubles } = simulatedTroubles({
    advance: (ms) => clock.advance(ms),
    adds: ['enqueue', 'replayDead'],
  });
  // All but `listen`, which answers no promise.
  faults.methods = ['enqueue', 'exchange', 'renew', 'stats', 'deadLetters', 'replayDead'];
  faults.timeoutMs = 500;
  const subjectDriver = faulty<QueueDriver>(mine, faults);
  const settings = { clock, timeoutMs: 500 };
  const subject = new DrivenTaskQueue(subjectDriver, settings);
  const other = new DrivenTaskQueue(theirs, settings);
  const closeSubject = async () => {
    subject.close();
    mine.close();
  };
  return {
    subject,
    other,
    subjectDriver,
    driver: theirs,
    ...troubles,
    closeSubject,
    async close() {
      await closeSubject();
      other.close();
      theirs.close();
    },
  };
}
