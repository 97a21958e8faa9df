import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { type Handled } from './event-stream.js';
import { changes, Gate, GROUP, numbersOf, type StreamStage } from './stream-stage.js';

export function describeConsuming(current: () => StreamStage): void {
  it('begins a new group at the beginning, or at the end when asked to', async () => {
    const stage = current();
    const stream = stage.stream();
    await stage.subject.append(stream, changes('s', 3));
    const all = stage.consume(stage.subject, stream, { group: 'all' });
    const late = stage.consume(stage.subject, stream, { group: 'late', startAt: 'end' });
    await stage.until(() => expect(late.running.owned.size).toBe(4));
    await stage.subject.append(stream, changes('s', 2, 4));
    await stage.until(() => {
      expect(numbersOf(all.handled, 's')).toEqual([1, 2, 3, 4, 5]);
      expect(numbersOf(late.handled, 's')).toEqual([4, 5]);
    });
  });

  it('says of a delivery where it is from and whose it is', async () => {
    const stage = current();
    const stream = stage.stream();
    const [event] = changes('s', 1) as [never];
    await stage.subject.append(stream, [event]);
    const { handled } = stage.consume(stage.other, stream);
    await stage.until(() => expect(handled).toHaveLength(1));
    expect(handled[0]).toMatchObject({
      event,
      partition: stage.subject.partitionOf(stream, 's'),
      subject: 's',
      attempt: 1,
      ownerFence: expect.any(Number),
    });
    expect(handled[0]?.ownerFence).toBeGreaterThan(0);
    expect(handled[0]?.signal.aborted).toBe(false);
  });

  it('hands out one event of a subject at a time, in order, while those of others overlap', async () => {
    const stage = current();
    const stream = stage.stream();
    const subjects = Array.from({ length: 8 }, (_, index) => `s-${index}`);
    const running = new Set<string>();
    let overlaps = 0;
    let most = 0;
    const { handled } = stage.consume(stage.subject, stream, {
      concurrency: 5,
      handle: async ({ subject }): Promise<Handled> => {
        if (running.has(subject)) overlaps += 1;
        running.add(subject);
        most = Math.max(most, running.size);
        // A turn of the event loop, so that others get to run beside it.
        await new Promise((resolve) => setImmediate(resolve));
        running.delete(subject);
        return 'done';
      },
    });
    for (let n = 1; n <= 40; n += 1) {
      await stage.subject.append(
        stream,
        subjects.flatMap((name) => changes(name, 1, n)),
      );
    }
    await stage.until(() => expect(handled).toHaveLength(320));
    const inOrder = Array.from({ length: 40 }, (_, index) => index + 1);
    for (const name of subjects) expect(numbersOf(handled, name)).toEqual(inOrder);
    expect(overlaps).toBe(0);
    expect(most).toBe(5);
  });

  it('is told of a new event, and does not wait until it looks again', async () => {
    const stage = current();
    const stream = stage.stream();
    const { handled, running } = stage.consume(stage.subject, stream);
    await stage.until(() => expect(running.owned.size).toBe(4));
    // By looking once a second this would take ten seconds and more.
    let passedMs = 0;
    for (let n = 1; n <= 20; n += 1) {
      await stage.other.append(stream, changes('s', 1, n));
      await stage.until(() => {
        passedMs += 10;
        expect(handled).toHaveLength(n);
      });
    }
    expect(passedMs).toBeLessThan(5_000);
  });

  it('delivers again what threw, counts it, and holds up its subject only', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const attempts: number[] = [];
    const { handled, faults } = stage.consume(stage.subject, stream, {
      backoff: { firstMs: 100, maxMs: 200 },
      handle: ({ event, subject, attempt }) => {
        if (subject === 'bad' && event.n === 1) {
          attempts.push(attempt);
          if (attempt < 3) throw new Error('not yet');
        }
        return 'done';
      },
    });
    await stage.subject.append(stream, [...changes('bad', 3), ...changes('good', 3)]);
    await stage.until(() => expect(handled).toHaveLength(6));
    expect(attempts).toEqual([1, 2, 3]);
    expect(numbersOf(handled, 'bad')).toEqual([1, 2, 3]);
    expect(numbersOf(handled, 'good')).toEqual([1, 2, 3]);
    expect(handled.slice(0, 3).map(({ subject }) => subject)).toEqual(['good', 'good', 'good']);
    expect(faults).toMatchObject([{ message: 'not yet' }, { message: 'not yet' }]);
  });

  it('delivers again after the time that a handler asked for', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    // Long beside what a quick event takes, also on a loaded machine.
    const { handled } = stage.consume(stage.subject, stream, {
      handle: ({ subject, attempt }) => (subject === 'slow' && attempt === 1 ? { retryInMs: 1000 } : 'done'),
    });
    await stage.subject.append(stream, changes('slow', 1));
    await stage.until(() => expect(handled).toHaveLength(1));
    await stage.subject.append(stream, changes('quick', 1));
    await stage.until(() => expect(handled).toHaveLength(2));
    await stage.until(() => expect(handled).toHaveLength(3));
    expect(handled.map(({ subject, attempt }) => `${subject} ${attempt}`)).toEqual(['slow 1', 'quick 1', 'slow 2']);
  });

  it('lets a subject with many events behind a retry not hold up the others', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const gate = new Gate();
    const { handled } = stage.consume(stage.subject, stream, {
      handle: async ({ subject }): Promise<Handled> => {
        if (subject === 'held') await gate.passed;
        return 'done';
      },
    });
    await stage.subject.append(stream, [...changes('held', 400), ...changes('free', 3)]);
    await stage.until(() => expect(numbersOf(handled, 'free')).toEqual([1, 2, 3]));
    expect(numbersOf(handled, 'held')).toEqual([]);
    gate.release();
    await stage.until(() => expect(numbersOf(handled, 'held')).toHaveLength(400));
  });

  it('keeps groups apart: each gets every event', async () => {
    const stage = current();
    const stream = stage.stream();
    const events = ['a', 'b', 'c'].flatMap((name) => changes(name, 5));
    const mails = stage.consume(stage.subject, stream, { group: 'mails' });
    const boards = stage.consume(stage.other, stream, { group: 'boards' });
    await stage.subject.append(stream, events);
    await stage.until(() => {
      expect(mails.handled).toHaveLength(15);
      expect(boards.handled).toHaveLength(15);
    });
    expect((await stage.subject.groups(stream)).map(({ group }) => group)).toEqual(['boards', 'mails']);
  });

  it('goes on where the group stopped, under whatever name', async () => {
    const stage = current();
    const stream = stage.stream();
    const first = stage.consume(stage.subject, stream);
    await stage.subject.append(stream, changes('s', 3));
    await stage.until(() => expect(first.handled).toHaveLength(3));
    await first.running.stop({ deadlineMs: 1_000 });
    await stage.subject.append(stream, changes('s', 3, 4));
    const second = stage.consume(stage.other, stream, { startAt: 'end' });
    await stage.until(() => expect(numbersOf(second.handled, 's')).toEqual([4, 5, 6]));
    expect(first.handled).toHaveLength(3);
    expect(second.handled.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
  });

  it('reports what is delivered and what is not, how old it is, and whose it is', async () => {
    const stage = current();
    const stream = stage.stream();
    const gate = new Gate();
    const consumer = `consumer-${randomUUID()}`;
    const partition = stage.subject.partitionOf(stream, 's');
    const { handled } = stage.consume(stage.subject, stream, {
      consumer,
      handle: async ({ event }): Promise<Handled> => {
        if (event.n === 2) await gate.passed;
        return 'done';
      },
    });
    await stage.subject.append(stream, changes('s', 5));
    await stage.until(async () => {
      const [state] = await stage.other.groups(stream);
      expect(state).toMatchObject({ group: GROUP, pending: 1, lag: 3, parked: 0, lostToTrim: 0 });
    });
    await stage.under.advance(50);
    const [waiting] = await stage.other.groups(stream);
    expect(waiting?.lagMs).toBeGreaterThanOrEqual(40);
    expect(waiting?.owners[partition]).toBe(consumer);
    expect(Object.keys(waiting?.owners ?? {})).toEqual(['0', '1', '2', '3']);
    gate.release();
    await stage.until(async () => {
      expect(handled).toHaveLength(5);
      expect(await stage.other.groups(stream)).toMatchObject([{ pending: 0, lag: 0, lagMs: 0 }]);
    });
  });

  it('waits at its stop for what it holds', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const started = new Gate();
    const gate = new Gate();
    const { running, handled } = stage.consume(stage.subject, stream, {
      handle: async (): Promise<Handled> => {
        started.release();
        await gate.passed;
        return 'done';
      },
    });
    await stage.subject.append(stream, changes('s', 2));
    await stage.until(() => expect(started.isOpen).toBe(true));
    const stopped = running.stop({ deadlineMs: 60_000 });
    await stage.under.advance(20);
    gate.release();
    expect(await stopped).toEqual({ finished: 1, handedBack: 0 });
    expect(numbersOf(handled, 's')).toEqual([1]);
    expect(running.owned.size).toBe(0);
    // A second stop answers like the first.
    expect(await running.stop({ deadlineMs: 0 })).toEqual({ finished: 1, handedBack: 0 });
    const next = stage.consume(stage.other, stream);
    await stage.until(() => expect(numbersOf(next.handled, 's')).toEqual([2]));
  });

  it('stops when its signal aborts', async () => {
    const stage = current();
    const stream = stage.stream();
    const controller = new AbortController();
    const { running } = stage.consume(stage.subject, stream, { signal: controller.signal, takeoverMs: 3_600_000 });
    await stage.until(() => expect(running.owned.size).toBe(4));
    controller.abort();
    const heir = stage.consume(stage.other, stream, { takeoverMs: 3_600_000 });
    await stage.until(() => expect(heir.running.owned.size).toBe(4));
    expect(running.owned.size).toBe(0);
  });

  it('hands back at the deadline of its stop, and burns no attempt', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const started = new Gate();
    const { running } = stage.consume(stage.subject, stream, {
      handle: async ({ signal }): Promise<Handled> => {
        started.release();
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
        return 'done';
      },
    });
    await stage.subject.append(stream, changes('s', 1));
    await stage.until(() => expect(started.isOpen).toBe(true));
    const stopped = running.stop({ deadlineMs: 30 });
    await stage.under.advance(40);
    expect(await stopped).toEqual({ finished: 0, handedBack: 1 });
    const next = stage.consume(stage.other, stream);
    await stage.until(() => expect(next.handled).toMatchObject([{ attempt: 1, event: { n: 1 } }]));
  });
}
