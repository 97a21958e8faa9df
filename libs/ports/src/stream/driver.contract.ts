import { expect, it } from '@jest/globals';
import { changes, type StreamStage } from './stream-stage.js';
import { type PartitionStep, type Taken } from './stream-driver.js';

/** Nobody renews it here but the test. */
const LEASE_MS = 300;

/** What `DrivenEventStream` counts on: fences, and reports that may be repeated. */
export function describeDriver(current: () => StreamStage): void {
  type Owned = Extract<Taken, { status: 'taken' }>;
  const group = 'g';

  async function filled(count = 5) {
    const stream = current().stream({ partitions: 1 });
    await current().other.append(stream, changes('s', count));
    const at = { stream: stream.name, partition: 0 };
    const { driver } = current().under;
    await driver.register(at, group, 'beginning');
    const take = (consumer: string, fence?: number) =>
      driver.take(at, group, { consumer, leaseMs: LEASE_MS, ...(fence !== undefined && { fence }) });
    const progress = (fence: number, ...steps: PartitionStep[]) =>
      driver.progress(at, group, { fence, leaseMs: LEASE_MS, maxParkedBytes: 10_000, steps });
    const state = async () => (await driver.groups(at))[0];
    return { at, driver, take, progress, state };
  }

  const owned = (taken: Taken): Owned => {
    expect(taken.status).toBe('taken');
    return taken as Owned;
  };

  it('leases a partition to one, and says to others how long', async () => {
    const { take } = await filled();
    const first = owned(await take('a'));
    expect(first).toMatchObject({ continued: false, committed: 0, open: new Map(), resumed: 0 });
    const second = await take('b');
    expect(second).toMatchObject({ status: 'held', owner: 'a' });
    expect((second as { remainingMs: number }).remainingMs).toBeGreaterThan(0);
    expect((second as { remainingMs: number }).remainingMs).toBeLessThanOrEqual(LEASE_MS);
    await current().under.advance(LEASE_MS + 50);
    expect(owned(await take('b')).fence).toBeGreaterThan(first.fence);
  });

  it('lets an owner go on under its fence, and only while nobody else has had it', async () => {
    const { take } = await filled();
    const first = owned(await take('a'));
    expect(owned(await take('a', first.fence))).toMatchObject({ continued: true, fence: first.fence });
    await current().under.advance(LEASE_MS + 50);
    // The lease has ended, and nobody came.
    expect(owned(await take('a', first.fence))).toMatchObject({ continued: true, fence: first.fence });
    await current().under.advance(LEASE_MS + 50);
    await take('b');
    await current().under.advance(LEASE_MS + 50);
    const again = owned(await take('a', first.fence));
    expect(again.continued).toBe(false);
    expect(again.fence).toBeGreaterThan(first.fence);
  });

  it('refuses what is reported or released under an old fence', async () => {
    const { take, progress, state, driver, at } = await filled();
    const old = owned(await take('a'));
    await progress(old.fence, { kind: 'begin', at: { sequence: 1 }, attempt: 1 });
    await current().under.advance(LEASE_MS + 50);
    const present = owned(await take('b'));
    expect(present.open).toEqual(new Map([[1, 1]]));
    expect(await progress(old.fence, { kind: 'acknowledge', at: { sequence: 1 } })).toEqual({ status: 'lost' });
    await driver.release(at, group, old.fence);
    expect(await state()).toMatchObject({ pending: 1, lag: 4, owner: 'b' });
    await driver.release(at, group, present.fence);
    expect(await state()).toMatchObject({ owner: undefined });
    expect(await progress(present.fence)).toEqual({ status: 'lost' });
  });

  it('renews the lease with each report', async () => {
    const { take, progress, state } = await filled();
    const { fence } = owned(await take('a'));
    for (let round = 0; round < 4; round += 1) {
      await current().under.advance(LEASE_MS / 2);
      expect(await progress(fence)).toMatchObject({ status: 'progressed' });
    }
    expect(await state()).toMatchObject({ owner: 'a' });
    expect(await take('b')).toMatchObject({ status: 'held' });
  });

  it('does the same when a report is repeated', async () => {
    const { take, progress, state, driver, at } = await filled();
    const { fence } = owned(await take('a'));
    const steps: PartitionStep[] = [
      { kind: 'begin', at: { sequence: 1 }, attempt: 1 },
      { kind: 'begin', at: { sequence: 2 }, attempt: 2 },
      { kind: 'begin', at: { sequence: 3 }, attempt: 1 },
      { kind: 'acknowledge', at: { sequence: 3 } },
      { kind: 'handBack', at: { sequence: 1 }, attempt: 0 },
    ];
    const answer = await progress(fence, ...steps);
    expect(answer).toMatchObject({ status: 'progressed', committed: 0, outcomes: Array(5).fill('done') });
    expect(await progress(fence, ...steps)).toEqual(answer);
    expect(await state()).toMatchObject({ pending: 1, lag: 3 });
    expect(owned(await take('a', fence)).open).toEqual(
      new Map([
        [2, 2],
        [3, 0],
      ]),
    );
    const park: PartitionStep = { kind: 'park', at: { sequence: 1 }, attempt: 1, reason: 'bad' };
    const parked = await progress(fence, park, { kind: 'begin', at: { sequence: 2 }, attempt: 3 });
    expect(parked).toMatchObject({ committed: 3, outcomes: ['done', 'followed'] });
    expect(await progress(fence, park)).toMatchObject({ committed: 3, outcomes: ['done'] });
    expect((await driver.parked(at, group, 10)).map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(await driver.resume(at, group, 's')).toBe(2);
    expect(await driver.resume(at, group, 's')).toBe(0);
    const done: PartitionStep = { kind: 'acknowledge', at: { subject: 's', index: 0 } };
    expect(await progress(fence, done)).toMatchObject({ resumed: 1, outcomes: ['done'] });
    expect(await progress(fence, done)).toMatchObject({ resumed: 1, outcomes: ['gone'] });
    expect(await driver.resumed(at, group, 10)).toMatchObject([{ index: 1, sequence: 2, attempts: 0 }]);
  });

  it('counts as lost only what was trimmed before it was acknowledged', async () => {
    const { at, driver, take, progress, state } = await filled(4);
    const { fence } = owned(await take('a'));
    await progress(
      fence,
      { kind: 'begin', at: { sequence: 1 }, attempt: 1 },
      { kind: 'acknowledge', at: { sequence: 2 } },
      { kind: 'acknowledge', at: { sequence: 4 } },
    );
    const payload = new Uint8Array(300);
    const entries = ['x', 'y', 'z'].map((eventId) => ({ eventId, subject: 's', schema: 'c', payload }));
    await driver.append(at, { entries, maxBytes: 1_100, maxAgeMs: 1e9, whenFull: 'trim' });
    expect(await driver.read(at, { after: 0, limit: 10 })).toMatchObject({ first: 5, last: 7 });
    const expected = { lostToTrim: 2, pending: 0, lag: 3 };
    expect(await state()).toMatchObject(expected);
    expect(await progress(fence)).toMatchObject({ committed: 4 });
    expect(await state()).toMatchObject(expected);
  });

  it('answers all live members to each, in one order, and forgets the dead', async () => {
    const { at, driver } = await filled();
    const join = (consumer: string, ttlMs = 60_000) => driver.join(at.stream, group, { consumer, ttlMs });
    await join('c');
    await join('a', LEASE_MS);
    const names = async () => (await join('b')).map(({ consumer }) => consumer);
    expect(await names()).toEqual(['a', 'b', 'c']);
    await current().under.advance(LEASE_MS + 50);
    expect(await names()).toEqual(['b', 'c']);
    await driver.leave(at.stream, group, 'c');
    expect(await names()).toEqual(['b']);
  });
}
