import { expect, it } from '@jest/globals';
import {
  DrivenTaskQueue,
  type Exchange,
  jsonCodec,
  type Queue,
  type QueueShard,
  UnavailableFault,
  type Verdict,
} from '@redstart/ports';
import { ManualClock } from '../clock/manual-clock.js';
import { MemoryQueueDriver, MemoryQueues } from './memory-queue-driver.js';

const queue: Queue<number> = {
  name: 'pace',
  codec: jsonCodec<number>('number@1'),
  shards: 1,
  leaseMs: 60_000,
  attempts: 3,
  backoff: { firstMs: 10, maxMs: 100, jitter: 1 },
  dedupeMs: 0,
  keepDead: { count: 0, ageMs: 0 },
  maxBytes: 1_000_000,
};

class AwayDriver extends MemoryQueueDriver {
  away = false;
  readonly wants: number[] = [];
  readonly atMs: number[] = [];

  constructor(
    queues: MemoryQueues,
    private readonly wall: ManualClock,
  ) {
    super(queues, wall);
  }

  override async exchange(shard: QueueShard, exchange: Exchange) {
    this.wants.push(exchange.want);
    this.atMs.push(this.wall.monotonicMs());
    // It may have happened, for all the worker knows; it did not.
    if (this.away) throw new UnavailableFault('away', { effect: 'unknown', operation: 'queue.exchange' });
    return super.exchange(shard, exchange);
  }
}

it('pauses longer each time in an outage, never by the same measure, and then asks for one task, two, four', async () => {
  const clock = new ManualClock();
  const driver = new AwayDriver(new MemoryQueues(), clock);
  const queues = new DrivenTaskQueue(driver, { clock, timeoutMs: 500 });
  const tasks = Array.from({ length: 200 }, (_, payload) => ({ payload }));
  await queues.enqueue(queue, tasks);
  driver.away = true;
  let held = 0;
  const handle = () => new Promise<'done'>(() => (held += 1));
  queues.work(queue, handle, { concurrency: 64, onFault: () => undefined });
  await clock.advance(20_000);
  const pauses = driver.atMs.slice(1).map((at, n) => at - driver.atMs[n]!);
  pauses.forEach((pauseMs, n) => {
    const boundMs = Math.min(2_000, 50 * 2 ** n);
    expect(pauseMs).toBeGreaterThanOrEqual(boundMs / 2);
    expect(pauseMs).toBeLessThanOrEqual(boundMs);
  });
  // In 20 s: six while they grow, then one each 1 to 2 s.
  expect(pauses.length).toBeGreaterThan(12);
  expect(new Set(pauses).size).toBeGreaterThan(10);
  driver.away = false;
  driver.wants.length = 0;
  await clock.advance(2_100);
  expect(driver.wants.slice(0, 7)).toEqual([1, 2, 4, 8, 16, 32, 1]);
  expect(held).toBe(64);
  queues.close();
});

it('keeps the verdicts of an outage, and says them after it', async () => {
  const clock = new ManualClock();
  const driver = new AwayDriver(new MemoryQueues(), clock);
  const queues = new DrivenTaskQueue(driver, { clock, timeoutMs: 500 });
  await queues.enqueue(queue, [{ payload: 1 }, { payload: 2 }, { payload: 3 }]);
  const say: ((verdict: Verdict) => void)[] = [];
  const handle = () => new Promise<Verdict>((resolve) => say.push(resolve));
  const faults: unknown[] = [];
  queues.work(queue, handle, { concurrency: 3, onFault: (fault) => faults.push(fault) });
  await clock.advance(10);
  driver.away = true;
  say[0]!('done');
  say[1]!({ retryInMs: 3_600_000 });
  say[2]!({ dead: 'enough' });
  await clock.advance(10_000);
  expect(await queues.stats(queue)).toMatchObject({ active: 3 });
  driver.away = false;
  await clock.advance(2_100);
  expect(await queues.stats(queue)).toMatchObject({ active: 0, waiting: 0, delayed: 1 });
  expect(say).toHaveLength(3);
  expect(faults.every((fault) => fault instanceof UnavailableFault)).toBe(true);
  queues.close();
});

it('ends when it hears that the adapters were closed', async () => {
  const clock = new ManualClock();
  const driver = new AwayDriver(new MemoryQueues(), clock);
  const queues = new DrivenTaskQueue(driver, { clock, timeoutMs: 500 });
  await queues.enqueue(queue, [{ payload: 1 }]);
  let signal: AbortSignal | undefined;
  const worker = queues.work(queue, (task) => new Promise(() => ({ signal } = task)), { concurrency: 2 });
  await clock.advance(10);
  driver.close();
  await clock.advance(1_000);
  expect(signal!.reason).toMatchObject({ code: 'WORKER_STOPPED' });
  expect(await worker.stop({ deadlineMs: 60_000 })).toEqual({ finished: 0, handedBack: 0 });
  const asked = driver.wants.length;
  await clock.advance(10_000);
  expect(driver.wants.length).toBe(asked);
});
