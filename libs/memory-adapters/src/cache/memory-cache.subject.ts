import { type CacheDriver, type Clock } from '@redstart/ports';
import { type CacheUnderTest, faulty, simulatedTroubles } from '@redstart/ports/contracts';
import { ManualClock } from '../clock/manual-clock.js';
import { MemoryCacheBackend, MemoryCacheDriver } from './memory-cache-driver.js';

type Driver = CacheDriver & { close(): Promise<void> };

/** For specs: handles of one backend, all of which can be troubled. */
export async function openMemoryCache(
  makeDriver: (backend: MemoryCacheBackend, clock: Clock) => Driver = (backend) => new MemoryCacheDriver(backend),
): Promise<CacheUnderTest> {
  const clock = new ManualClock();
  const backend = new MemoryCacheBackend(clock);
  const timeoutMs = 200;
  const { faults, ...troubles } = simulatedTroubles({
    advance: (ms) => clock.advance(ms),
    adds: ['begin', 'store', 'finish'],
  });
  Object.assign(faults, { timeoutMs, methods: methodsOf(MemoryCacheDriver) });
  const opened: Driver[] = [];
  return {
    ...troubles,
    clock,
    timeoutMs,
    driver: () => {
      const driver = makeDriver(backend, clock);
      opened.push(driver);
      return faulty(driver, faults);
    },
    close: async () => {
      for (const driver of opened) await driver.close();
    },
  };
}

/** All but `close`, which is no call to a backend. */
function methodsOf(adapter: typeof MemoryCacheDriver): string[] {
  return Object.getOwnPropertyNames(adapter.prototype).filter((name) => name !== 'close');
}
