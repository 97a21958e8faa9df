import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DrivenTaskQueue, type Exchange, jsonCodec, type Queue, type QueueShard, type Task } from '@redstart/ports';
import { ManualClock } from '../clock/manual-clock.js';
import { MemoryQueueDriver, MemoryQueues } from './memory-queue-driver.js';

const EXCHANGE_MS = 5;

const queue: Queue<number> = {
  name: 'ahead',
  codec: jsonCodec<number>('number@1'),
  shards: 1,
  leaseMs: 300,
  attempts: 3,
  backoff: { firstMs: 10, maxMs: 100, jitter: 1 },
  dedupeMs: 0,
  keepDead: { count: 0, ageMs: 0 },
  maxBytes: 1_000_000,
};

/** Over a network: an exchange takes its time. */
class DistantDriver extends MemoryQueueDriver {
  constructor(
    queues: MemoryQueues,
    private readonly distance: ManualClock,
  ) {
    super(queues, distance);
  }

  override async exchange(shard: QueueShard, exchange: Exchange) {
    const exchanged = await super.exchange(shard, exchange);
    await this.distance.sleep(EXCHANGE_MS);
    return exchanged;
  }
}

describe('a worker', () => {
  let clock: ManualClock;
  let near: DrivenTaskQueue;
  let far: DrivenTaskQueue;

  beforeEach(async () => {
    clock = new ManualClock();
    const queues = new MemoryQueues();
    near = new DrivenTaskQueue(new MemoryQueueDriver(queues, clock), { clock, timeoutMs: 500 });
    far = new DrivenTaskQueue(new DistantDriver(queues, clock), { clock, timeoutMs: 500 });
    const tasks = Array.from({ length: 200 }, (_, payload) => ({ payload }));
    await near.enqueue(queue, tasks);
  });
  afterEach(() => {
    near.close();
    far.close();
  });

  /** Takes a millisecond for each of the first tasks, then hangs. */
  function handler(quick: number) {
    const seen: number[] = [];
    const running = { now: 0, most: 0 };
    const handle = async ({ payload, signal }: Task<number>) => {
      seen.push(payload);
      running.most = Math.max(running.most, (running.now += 1));
      if (seen.length <= quick) await clock.sleep(1);
      else await clock.sleep(60_000, signal);
      running.now -= 1;
      return 'done' as const;
    };
    return { seen, handle, running };
  }

  it('takes as many ahead as its handlers end while an exchange is on its way', async () => {
    const { seen, handle, running } = handler(1_000);
    far.work(queue, handle, { concurrency: 2 });
    await clock.advance(200);
    // Two handlers of a millisecond could have done 400; one exchange for each two tasks would have done 80.
    expect(seen.length).toBe(200);
    expect(running.most).toBe(2);
  });

  it('takes none ahead while its handlers are slow', async () => {
    far.work(queue, handler(0).handle, { concurrency: 2 });
    await clock.advance(100);
    expect(await near.stats(queue)).toMatchObject({ active: 2 });
  });

  it('keeps what it took ahead under its lease, and hands it back when it has not begun within one', async () => {
    const { seen, handle } = handler(40);
    far.work(queue, handle, { concurrency: 1 });
    await clock.advance(150);
    expect(seen).toHaveLength(41);
    const { active } = await near.stats(queue);
    expect(active).toBeGreaterThan(3);
    await clock.advance(200);
    // Renewed: longer than a lease ago, and still its own.
    expect(await near.stats(queue)).toMatchObject({ active });
    await clock.advance(400);
    expect(await near.stats(queue)).toMatchObject({ active: 1, waiting: 159 });
    const next: Task<number>[] = [];
    near.work(queue, async (task) => (next.push(task), 'done'), { concurrency: 1 });
    await clock.advance(20);
    expect(next[0]).toMatchObject({ payload: 41, attempt: 1 });
    expect(next.map(({ payload }) => payload)).toEqual(Array.from({ length: 159 }, (_, n) => 41 + n));
  });
});
