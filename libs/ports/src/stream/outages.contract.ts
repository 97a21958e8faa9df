import { expect, it } from '@jest/globals';
import { FullFault, TimeoutFault } from '../call/backend-fault.js';
import { type Delivered, type Handled } from './event-stream.js';
import { type Change, changes, Gate, numbersOf, type StreamStage } from './stream-stage.js';

export function describeOutages(current: () => StreamStage): void {
  it('ends each call within its budget when the backend is silent', async () => {
    const { subject, under } = current();
    const stream = current().stream();
    await subject.append(stream, changes('s', 1));
    const restore = await under.silence();
    const call = { budgetMs: 150 };
    const attempts = [
      subject.append(stream, changes('s', 1, 2), call),
      subject.lastPosition(stream, 'relay', 0, call),
      subject.groups(stream, call),
      subject.trim(stream, { keep: 0, ...call }),
    ];
    const outcomes = await Promise.allSettled(attempts);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected' });
    expect((outcomes[0] as PromiseRejectedResult).reason).toBeInstanceOf(TimeoutFault);
    await restore();
  });

  it('pauses while the backend is away and goes on by itself', async () => {
    const stage = current();
    const stream = stage.stream();
    const { handled, running, faults } = stage.consume(stage.subject, stream);
    await stage.subject.append(stream, changes('s', 2));
    await stage.until(() => expect(handled).toHaveLength(2));
    const mend = await stage.under.sever();
    await stage.until(() => expect(faults.length).toBeGreaterThan(0));
    await stage.other.append(stream, changes('s', 20, 3));
    // Longer than its leases last.
    await stage.under.advance(1_500);
    expect(handled).toHaveLength(2);
    await mend();
    await stage.until(() => expect(handled).toHaveLength(22));
    expect(numbersOf(handled, 's')).toEqual(Array.from({ length: 22 }, (_, index) => index + 1));
    await stage.until(() => expect(running.owned.size).toBe(4));
  });

  it('does not run a handler twice for a short outage, and reports what ended meanwhile', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const started = new Gate();
    const gate = new Gate();
    const { handled, faults } = stage.consume(stage.subject, stream, {
      takeoverMs: 3_600_000,
      handle: async ({ event }): Promise<Handled> => {
        if (event.n === 1) {
          started.release();
          await gate.passed;
        }
        return 'done';
      },
    });
    await stage.subject.append(stream, [...changes('s', 3), ...changes('t', 1, 9)]);
    await stage.until(() => started.passed);
    await stage.until(async () => expect(await stage.other.groups(stream)).toMatchObject([{ pending: 1 }]));
    const mend = await stage.under.sever();
    gate.release();
    await stage.until(() => expect(faults.length).toBeGreaterThan(0));
    await mend();
    await stage.until(async () => {
      expect(numbersOf(handled, 's')).toEqual([1, 2, 3]);
      expect(await stage.other.groups(stream)).toMatchObject([{ pending: 0, lag: 0 }]);
    });
    expect(handled).toHaveLength(4);
    expect(handled.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
  });

  it('loses nothing and burns nothing when the reply to a report is lost', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const { handled } = stage.consume(stage.subject, stream, { takeoverMs: 3_600_000, attempts: 1 });
    for (let n = 1; n <= 10; n += 1) {
      await stage.under.cutNextReply();
      await stage.other.append(stream, changes('s', 1, n));
      await stage.until(() => expect(numbersOf(handled, 's').at(-1)).toBe(n));
    }
    await stage.until(async () => {
      expect(await stage.other.groups(stream)).toMatchObject([{ pending: 0, lag: 0, parked: 0 }]);
    });
    expect([...new Set(numbersOf(handled, 's'))]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('goes on from what the backend still has when it has lost all', async () => {
    const stage = current();
    const stream = stage.stream();
    const order: Delivered<Change>[] = [];
    const handle = (delivered: Delivered<Change>) => {
      order.push(delivered);
      return 'done' as const;
    };
    const consumers = [stage.subject, stage.other].map((from) => stage.consume(from, stream, { handle }));
    await stage.until(() => expect(consumers.map(({ running }) => running.owned.size)).toEqual([2, 2]));
    const names = ['a', 'b', 'c', 'd'];
    await stage.subject.append(
      stream,
      names.flatMap((name) => changes(name, 5)),
    );
    await stage.until(() => expect(order).toHaveLength(20));
    const fences = new Map(order.map(({ partition, ownerFence }) => [partition, ownerFence]));
    await stage.under.loseData(stream);
    await stage.subject.append(
      stream,
      names.flatMap((name) => changes(name, 2, 6)),
    );
    await stage.until(() => expect(order).toHaveLength(28));
    for (const name of names) expect(numbersOf(order, name)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    for (const { partition, ownerFence } of order.slice(20)) {
      expect(ownerFence).toBeGreaterThan(fences.get(partition) as number);
    }
    await stage.until(async () => {
      expect(consumers.map(({ running }) => running.owned.size)).toEqual([2, 2]);
      expect(await stage.subject.groups(stream)).toMatchObject([{ pending: 0, lag: 0, lostToTrim: 0 }]);
    });
  });

  it('lets a numbering producer see that its positions are gone, and begin anew', async () => {
    const { subject, under } = current();
    const stream = current().stream({ partitions: 1 });
    const events = changes('s', 8);
    const at = { producer: 'relay', partition: 0 };
    await subject.append(stream, events.slice(0, 6), { sequenced: { ...at, firstPosition: 1 } });
    await under.loseData(stream);
    expect(await subject.lastPosition(stream, 'relay', 0)).toBe(0);
    const on = await subject.append(stream, events.slice(6), { sequenced: { ...at, firstPosition: 7 } });
    expect(on).toEqual({ status: 'gap', expected: 1 });
    const anew = { ...at, firstPosition: 4, base: true };
    expect(await subject.append(stream, events.slice(3), { sequenced: anew })).toMatchObject({ written: 5 });
    expect(await current().read(stream, 0)).toEqual(events.slice(3));
  });

  it('refuses to append when the backend is full, while its consumers empty it', async () => {
    const stage = current();
    const stream = stage.stream();
    const gate = new Gate();
    const { handled } = stage.consume(stage.subject, stream, {
      handle: async ({ subject }): Promise<Handled> => {
        await gate.passed;
        return subject === 'odd' ? { park: 'odd' } : 'done';
      },
    });
    await stage.subject.append(stream, [...changes('s', 5), ...changes('odd', 2)]);
    await stage.until(async () => expect(await stage.subject.groups(stream)).toMatchObject([{ pending: 2 }]));
    const drain = await stage.under.fill();
    const refused = stage.subject.append(stream, changes('s', 1, 6));
    await expect(refused).rejects.toBeInstanceOf(FullFault);
    await expect(refused).rejects.toMatchObject({ code: 'FULL', effect: 'none' });
    gate.release();
    await stage.until(async () => {
      expect(numbersOf(handled, 's')).toEqual([1, 2, 3, 4, 5]);
      expect(await stage.subject.groups(stream)).toMatchObject([{ pending: 0, lag: 0, parked: 2 }]);
    });
    await drain();
    expect(await stage.subject.append(stream, changes('s', 1, 6))).toMatchObject({ written: 1 });
    await stage.until(() => expect(numbersOf(handled, 's')).toHaveLength(6));
  });

  it('stops its consumers and refuses every call once it is closed', async () => {
    const stage = current();
    const stream = stage.stream();
    const { running } = stage.consume(stage.subject, stream);
    await stage.until(() => expect(running.owned.size).toBe(4));
    await stage.under.closeSubject();
    await stage.under.closeSubject();
    expect(running.owned.size).toBe(0);
    await expect(stage.subject.append(stream, changes('s', 1))).rejects.toMatchObject({
      code: 'CLOSED',
      effect: 'none',
    });
    await expect(stage.subject.groups(stream)).rejects.toMatchObject({ code: 'CLOSED' });
    expect(() => stage.consume(stage.subject, stream)).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    const heir = stage.consume(stage.other, stream, { takeoverMs: 3_600_000 });
    await stage.until(() => expect(heir.running.owned.size).toBe(4));
  });
}
