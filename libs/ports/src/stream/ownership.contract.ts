import { expect, it } from '@jest/globals';
import { type Delivered, type Handled } from './event-stream.js';
import { type Change, changes, Gate, numbersOf, type StreamStage, TAKEOVER_MS } from './stream-stage.js';

export function describeOwnership(current: () => StreamStage): void {
  it('shares the partitions evenly among live consumers, and each event is handled once', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 16 });
    const consumers = [stage.subject, stage.other, stage.other].map((from) => stage.consume(from, stream));
    await stage.until(() => {
      const sizes = consumers.map(({ running }) => running.owned.size).sort();
      expect(sizes).toEqual([5, 5, 6]);
      expect(new Set(consumers.flatMap(({ running }) => [...running.owned])).size).toBe(16);
    });
    const events = Array.from({ length: 40 }, (_, index) => changes(`s-${index}`, 5)).flat();
    await stage.subject.append(stream, events);
    await stage.until(() => expect(consumers.flatMap(({ handled }) => handled)).toHaveLength(200));
    const ids = consumers.flatMap(({ handled }) => handled.map(({ event }) => event.id));
    expect(new Set(ids).size).toBe(200);
    for (const { handled } of consumers) expect(handled.length).toBeGreaterThan(0);
  });

  it('loses and doubles nothing while a second consumer comes and goes', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 8 });
    const order: Delivered<Change>[] = [];
    const handle = (delivered: Delivered<Change>) => {
      order.push(delivered);
      return 'done' as const;
    };
    let n = 0;
    const flow = async (rounds: number) => {
      for (let round = 0; round < rounds; round += 1) {
        n += 1;
        await stage.other.append(stream, Array.from({ length: 10 }, (_, index) => changes(`s-${index}`, 1, n)).flat());
        await stage.under.advance(2);
      }
    };
    const first = stage.consume(stage.subject, stream, { handle, takeoverMs: 60_000 });
    await stage.until(() => expect(first.running.owned.size).toBe(8));
    await flow(20);
    const second = stage.consume(stage.other, stream, { handle, takeoverMs: 60_000 });
    await flow(20);
    await stage.until(() => expect([first.running.owned.size, second.running.owned.size]).toEqual([4, 4]));
    await flow(20);
    await second.running.stop({ deadlineMs: 5_000 });
    await flow(20);
    await stage.until(() => expect(first.running.owned.size).toBe(8));
    await flow(5);
    await stage.until(() => expect(order).toHaveLength(850));
    const inOrder = Array.from({ length: 85 }, (_, index) => index + 1);
    for (let index = 0; index < 10; index += 1) expect(numbersOf(order, `s-${index}`)).toEqual(inOrder);
    expect(second.handled.length).toBeGreaterThan(0);
  });

  it('passes partitions on at once when their owner leaves, also an idle one', async () => {
    const stage = current();
    const stream = stage.stream();
    const leaver = stage.consume(stage.subject, stream, { takeoverMs: 3_600_000 });
    await stage.until(() => expect(leaver.running.owned.size).toBe(4));
    const heir = stage.consume(stage.other, stream, { takeoverMs: 3_600_000 });
    await stage.until(() => expect(heir.running.owned.size).toBe(2));
    await leaver.running.stop({ deadlineMs: 1_000 });
    await stage.until(() => expect(heir.running.owned.size).toBe(4));
    await stage.other.append(
      stream,
      ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((name) => changes(name, 2)),
    );
    await stage.until(() => expect(heir.handled).toHaveLength(12));
  });

  it('gives a partition with a running handler on only when it has ended', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 2 });
    const gate = new Gate();
    const handle = async () => {
      await gate.passed;
      return 'done' as const;
    };
    const first = stage.consume(stage.subject, stream, { handle });
    await stage.until(() => expect(first.running.owned.size).toBe(2));
    const subjects = ['a', 'b', 'c', 'd', 'e', 'f'];
    await stage.subject.append(
      stream,
      subjects.flatMap((name) => changes(name, 1)),
    );
    await stage.until(async () => expect(await stage.subject.groups(stream)).toMatchObject([{ pending: 6 }]));
    const second = stage.consume(stage.other, stream, { handle });
    // Longer than a lease: it is renewed while it waits.
    await stage.under.advance(TAKEOVER_MS * 1.5);
    expect(second.running.owned.size).toBe(0);
    gate.release();
    await stage.until(() => expect([first.running.owned.size, second.running.owned.size]).toEqual([1, 1]));
    await stage.until(async () => expect(await stage.subject.groups(stream)).toMatchObject([{ pending: 0, lag: 0 }]));
    expect(first.handled).toHaveLength(6);
    expect(second.handled).toHaveLength(0);
  });

  it('takes over from a consumer without a sign of life, and refuses what it reports late', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const stale = { started: new Gate(), end: new Gate() };
    const fresh = { started: new Gate(), end: new Gate() };
    const first = stage.consume(stage.subject, stream, {
      handle: async ({ event, attempt }): Promise<Handled> => {
        if (event.n > 1) return 'done';
        if (attempt === 1) return { retryInMs: 1 };
        stale.started.release();
        await stale.end.passed;
        return 'done';
      },
    });
    await stage.subject.append(stream, changes('s', 1));
    await stage.until(() => expect(stale.started.isOpen).toBe(true));
    const second = stage.consume(stage.other, stream, {
      handle: async ({ event }): Promise<Handled> => {
        if (event.n > 1) return 'done';
        fresh.started.release();
        await fresh.end.passed;
        return 'done';
      },
    });
    await stage.until(async () => expect(await stage.other.groups(stream)).toMatchObject([{ pending: 1 }]));
    const mend = await stage.under.sever();
    await stage.until(() => expect(second.running.owned.size).toBe(1));
    await stage.until(() => expect(fresh.started.isOpen).toBe(true));
    expect(first.running.owned.size).toBe(0);
    await mend();
    stale.end.release();
    await stage.until(() => expect(first.handled).toHaveLength(2));
    expect(first.handled[1]?.signal.aborted).toBe(true);
    // Time for a late report to do harm.
    await stage.under.advance(200);
    expect(await stage.other.groups(stream)).toMatchObject([{ pending: 1, lag: 0 }]);
    fresh.end.release();
    await stage.until(async () => expect(await stage.other.groups(stream)).toMatchObject([{ pending: 0, lag: 0 }]));
    const [before, after] = [first.handled[1], second.handled[0]] as [Delivered<Change>, Delivered<Change>];
    expect([before.attempt, after.attempt]).toEqual([2, 3]);
    expect(after.ownerFence).toBeGreaterThan(before.ownerFence);
    await stage.other.append(stream, changes('s', 1, 2));
    await stage.until(() => expect([...first.handled, ...second.handled]).toHaveLength(4));
  });

  it('leaves a consumer alone while it gives signs of life, however long its handler takes', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const gate = new Gate();
    const first = stage.consume(stage.subject, stream, {
      handle: async (): Promise<Handled> => {
        await gate.passed;
        return 'done';
      },
    });
    await stage.subject.append(stream, changes('s', 1));
    await stage.until(async () => expect(await stage.subject.groups(stream)).toMatchObject([{ pending: 1 }]));
    const second = stage.consume(stage.other, stream);
    await stage.under.advance(TAKEOVER_MS * 2);
    gate.release();
    await stage.until(() => expect(first.handled).toHaveLength(1));
    expect(first.handled[0]?.signal.aborted).toBe(false);
    expect(second.handled).toHaveLength(0);
  });
}
