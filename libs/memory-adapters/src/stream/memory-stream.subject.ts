import { type Clock, DrivenEventStream, type StreamDriver } from '@redstart/ports';
import { faulty, simulatedTroubles, type StreamUnderTest } from '@redstart/ports/contracts';
import { ManualClock } from '../clock/manual-clock.js';
import { MemoryStreamDriver } from './memory-stream-driver.js';

/** What answers promises: `listen` does not. */
const CALLS: readonly (keyof StreamDriver)[] = [
  'append',
  'lastPosition',
  'read',
  'register',
  'join',
  'leave',
  'take',
  'progress',
  'release',
  'resumed',
  'groups',
  'parked',
  'resume',
  'trim',
];

/** For specs: two handles of one backend, the first over a driver that can be troubled. */
export async function openMemoryStream(
  makeDriver: (clock: Clock) => MemoryStreamDriver = (clock) => new MemoryStreamDriver(clock),
): Promise<StreamUnderTest> {
  const clock = new ManualClock();
  const driver = makeDriver(clock);
  const { faults, ...troubles } = simulatedTroubles({ advance: (ms) => clock.advance(ms), adds: ['append'] });
  faults.methods = CALLS;
  const subject = new DrivenEventStream(faulty<StreamDriver>(driver, faults), { clock });
  const other = new DrivenEventStream(driver, { clock });
  return {
    subject,
    other,
    driver,
    ...troubles,
    async sever() {
      Object.assign(faults, { failRate: 1, loseReplies: 0, atMost: undefined });
      return async () => {
        faults.failRate = 0;
      };
    },
    snapshot: async (stream) => driver.snapshot(stream.name),
    async loseData(stream) {
      driver.forget(stream.name);
    },
    closeSubject: () => subject.close(),
    async close() {
      await Promise.all([subject.close(), other.close()]);
    },
  };
}
