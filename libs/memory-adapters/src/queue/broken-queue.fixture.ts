import {
  type Call,
  type Clock,
  type Exchange,
  type Exchanged,
  type QueueShard,
  type Settlement,
} from '@redstart/ports';
import { describeQueueContract } from '@redstart/ports/contracts';
import { MemoryQueueDriver, type MemoryQueues } from './memory-queue-driver.js';
import { openMemoryQueue } from './memory-queue.subject.js';
import { type KeptTask } from './memory-shard.js';

// Run by broken-queue.spec.ts: the suite must refuse this adapter.

/** It remembers which task each token was for, and settles that task, whoever holds it by now. */
class IgnoresTheToken extends MemoryQueueDriver {
  private readonly taskOf = new Map<string, string>();

  constructor(
    private readonly all: MemoryQueues,
    clock: Clock,
  ) {
    super(all, clock);
  }

  override async exchange(shard: QueueShard, exchange: Exchange, call?: Call): Promise<Exchanged> {
    const exchanged = await super.exchange(shard, exchange, call);
    for (const { token, id } of exchanged.taken) this.taskOf.set(token, id);
    return exchanged;
  }

  protected override settle(shard: QueueShard, settlement: Settlement, back: KeptTask[]): boolean {
    const id = this.taskOf.get(settlement.token);
    const held = [...this.all.shard(shard).active].find(([, { task }]) => task.id === id);
    return super.settle(shard, held ? { ...settlement, token: held[0] } : settlement, back);
  }
}

describeQueueContract('a broken adapter', {
  open: () => openMemoryQueue((queues, clock) => new IgnoresTheToken(queues, clock)),
});
