import { type AppendBatch, type PartitionAppended, type PartitionAt } from '@redstart/ports';
import { describeStreamContract } from '@redstart/ports/contracts';
import { MemoryStreamDriver } from './memory-stream-driver.js';
import { openMemoryStream } from './memory-stream.subject.js';

// Run by broken-stream.spec.ts: the suite must refuse this adapter.

/** A relay's retry doubles events: it does not look where in the batch the new ones begin. */
class KeepsLowerPositions extends MemoryStreamDriver {
  override async append(at: PartitionAt, batch: AppendBatch): Promise<PartitionAppended> {
    const { sequenced } = batch;
    if (!sequenced) return super.append(at, batch);
    const last = await this.lastPosition(at, sequenced.producer);
    if (sequenced.firstPosition > last) return super.append(at, batch);
    return super.append(at, { ...batch, sequenced: { ...sequenced, firstPosition: last + 1 } });
  }
}

describeStreamContract('a broken adapter', {
  open: () => openMemoryStream((clock) => new KeepsLowerPositions(clock)),
});
