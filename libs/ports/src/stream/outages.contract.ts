import { expect, it } from '@jest/globals';
import { FullFault, TimeoutFault } from '../call/backend-fault.js';
import { mulberry32 } from '../faulty/faulty.js';
import { type Delivered, type EventStream, type Handled } from './event-stream.js';
import { type Change, changes, Gate, numbersOf, type StreamStage, TAKEOVER_MS } from './stream-stage.js';

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

  it('refuses each call whose signal has aborted', async () => {
    const { subject } = current();
    const stream = current().stream({ partitions: 1 });
    const call = { signal: AbortSignal.abort() };
    const reader = subject.read(stream, { partition: 0, ...call })[Symbol.asyncIterator]();
    const attempts = [
      subject.append(stream, changes('s', 1), call),
      subject.lastPosition(stream, 'relay', 0, call),
      subject.groups(stream, call),
      subject.parked(stream, 'g', { limit: 1, ...call }),
      subject.resume(stream, 'g', 's', call),
      subject.trim(stream, { keep: 0, ...call }),
      reader.next(),
    ];
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ code: 'ABORTED', effect: 'none' });
    expect(await current().readAll(stream)).toEqual([]);
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
    await stage.under.advance(TAKEOVER_MS * 1.5);
    expect(handled).toHaveLength(2);
    await mend();
    await stage.until(() => expect(handled).toHaveLength(22));
    expect(numbersOf(handled, 's')).toEqual(Array.from({ length: 22 }, (_, index) => index + 1));
    await stage.until(() => expect(running.owned.size).toBe(4));
  });

  it.each(['at once', 'while it is away', 'when it is back'])(
    'does not run a handler twice for a short outage when it ends %s',
    async (end) => {
      const stage = current();
      const stream = stage.stream({ partitions: 1 });
      const started = new Gate();
      const gate = new Gate();
      const { handled, faults } = stage.consume(stage.subject, stream, {
        takeoverMs: 3_600_000,
        concurrency: 3,
        handle: async ({ event, subject }): Promise<Handled> => {
          if (event.n === 1) {
            started.release();
            await gate.passed;
          }
          return subject === 'odd' ? { park: 'odd' } : 'done';
        },
      });
      // Three that are being handled, and some that wait for a slot.
      const waiting = Array.from({ length: 8 }, (_, index) => changes(`t-${index}`, 1, 9)).flat();
      await stage.subject.append(stream, [...changes('odd', 1), ...changes('s', 3), ...changes('v', 1), ...waiting]);
      await stage.until(() => expect(started.isOpen).toBe(true));
      await stage.until(async () => expect(await stage.other.groups(stream)).toMatchObject([{ pending: 3, lag: 10 }]));
      const mend = await stage.under.sever();
      if (end === 'at once') gate.release();
      // So that it finds out.
      await stage.other.append(stream, changes('u', 1, 9));
      await stage.until(() => expect(faults.length).toBeGreaterThan(0));
      await stage.under.advance(300);
      if (end === 'while it is away') gate.release();
      await mend();
      if (end === 'when it is back') {
        await stage.under.advance(500);
        gate.release();
      }
      await stage.until(async () => {
        expect(numbersOf(handled, 's')).toEqual([1, 2, 3]);
        expect(numbersOf(handled, 'u')).toEqual([9]);
        expect(await stage.other.groups(stream)).toMatchObject([{ pending: 0, lag: 0, parked: 1 }]);
      });
      expect(handled.map(({ attempt }) => attempt)).toEqual(Array(14).fill(1));
    },
  );

  it('begins gently after an outage', async () => {
    const stage = current();
    const stream = stage.stream();
    const gate = new Gate();
    let begun = 0;
    const { handled, faults, running } = stage.consume(stage.subject, stream, {
      takeoverMs: 3_600_000,
      handle: async (): Promise<Handled> => {
        begun += 1;
        await gate.passed;
        return 'done';
      },
    });
    await stage.until(() => expect(running.owned.size).toBe(4));
    const mend = await stage.under.sever();
    await stage.until(() => expect(faults.length).toBeGreaterThan(0));
    await stage.other.append(
      stream,
      ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((name) => changes(name, 1)),
    );
    await mend();
    await stage.until(() => expect(begun).toBe(1));
    await stage.under.advance(300);
    expect(begun).toBe(1);
    gate.release();
    await stage.until(() => expect(handled).toHaveLength(6));
  });

  it('does not run two handlers of a subject at once after it was away for longer than its lease', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const gate = new Gate();
    const begun: string[] = [];
    const { handled, running } = stage.consume(stage.subject, stream, {
      handle: async ({ event, subject, attempt }): Promise<Handled> => {
        begun.push(`${subject}${event.n}/${attempt}`);
        // Deaf to its signal.
        if (begun.length === 1) await gate.passed;
        return 'done';
      },
    });
    await stage.subject.append(stream, changes('s', 2));
    await stage.until(() => expect(begun).toEqual(['s1/1']));
    const mend = await stage.under.sever();
    await stage.until(() => expect(running.owned.size).toBe(0));
    await mend();
    await stage.other.append(stream, changes('t', 1));
    await stage.until(() => expect(begun).toContain('t1/1'));
    await stage.under.advance(200);
    expect(begun).toEqual(['s1/1', 't1/1']);
    gate.release();
    await stage.until(() => expect(begun).toEqual(['s1/1', 't1/1', 's1/2', 's2/1']));
    expect(handled[1]?.signal.aborted).toBe(true);
    expect(numbersOf(handled, 's')).toEqual([1, 1, 2]);
  });

  it.each(['with', 'without'])('goes on after a failover that lost a tail, %s a cut connection', async (how) => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const { handled, faults } = stage.consume(stage.subject, stream, { takeoverMs: 3_600_000 });
    const seen = () => handled.map(({ event }) => event.n);
    await stage.other.append(stream, changes('s', 3));
    await stage.until(async () => {
      expect(seen()).toEqual([1, 2, 3]);
      expect(await stage.other.groups(stream)).toMatchObject([{ pending: 0, lag: 0 }]);
    });
    const failOver = await stage.under.snapshot(stream);
    await stage.other.append(stream, changes('s', 3, 4));
    await stage.until(() => expect(seen()).toEqual([1, 2, 3, 4, 5, 6]));
    if (how === 'with') {
      const mend = await stage.under.sever();
      await stage.until(() => expect(faults.length).toBeGreaterThan(0));
      await failOver();
      // The log grows beyond what was read before, under the same sequences.
      await stage.other.append(stream, changes('s', 5, 7));
      await mend();
    } else {
      await failOver();
      await stage.other.append(stream, changes('s', 1, 7));
      await stage.until(() => expect(seen()).toContain(7));
      await stage.other.append(stream, changes('s', 4, 8));
    }
    await stage.until(async () => {
      expect(seen()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      expect(await stage.other.groups(stream)).toMatchObject([{ pending: 0, lag: 0 }]);
    });
  });

  it('ends its stop soon after the deadline while the backend is away', async () => {
    const stage = current();
    const stream = stage.stream();
    const { running, handled } = stage.consume(stage.subject, stream, {
      takeoverMs: 3_600_000,
      handle: () => new Promise(() => undefined),
    });
    await stage.subject.append(stream, changes('s', 1));
    await stage.until(async () => expect(await stage.other.groups(stream)).toMatchObject([{ pending: 1 }]));
    await stage.under.sever();
    let answer: unknown;
    void running.stop({ deadlineMs: 100 }).then((stopped) => (answer = stopped));
    await stage.until(() => expect(answer).toEqual({ finished: 0, handedBack: 1 }), 4_000);
    expect(handled).toEqual([]);
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
    const consumers = [stage.subject, stage.other].map((from) =>
      stage.consume(from, stream, { handle, startAt: 'end', takeoverMs: 3_600_000 }),
    );
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

  it('loses nothing and keeps each subject in order, whatever comes', async () => {
    const stage = current();
    const stream = stage.stream();
    const subjects = Array.from({ length: 25 }, (_, index) => `s-${index}`);
    const random = mulberry32(4);
    const effects = new Map<string, number>();
    const running = new Set<string>();
    const broken: string[] = [];
    const consume = (from: EventStream, who: string) =>
      stage.consume(from, stream, {
        concurrency: 2,
        attempts: 1_000,
        handle: async ({ subject, event }): Promise<Handled> => {
          if (running.has(`${who} ${subject}`)) broken.push(`${who} handles ${subject} twice at once`);
          running.add(`${who} ${subject}`);
          if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
          running.delete(`${who} ${subject}`);
          if (random() < 0.05) throw new Error('made to fail');
          const last = effects.get(subject) ?? 0;
          if (event.n > last + 1) broken.push(`${subject} ${event.n} came after ${last}`);
          effects.set(subject, Math.max(last, event.n));
          return 'done';
        },
      });
    consume(stage.subject, 'a');
    let second = consume(stage.other, 'b0');
    let n = 0;
    for (let round = 1; round <= 40; round += 1) {
      n += 1;
      await stage.other.append(
        stream,
        subjects.flatMap((name) => changes(name, 1, n)),
      );
      const dice = random();
      if (dice < 0.2) await stage.under.cutNextReply();
      else if (dice < 0.3) {
        const mend = await stage.under.sever();
        await stage.under.advance(random() * 100);
        await mend();
      } else if (dice < 0.4) {
        await second.running.stop({ deadlineMs: 5 });
        second = consume(stage.other, `b${round}`);
      } else await stage.under.advance(random() * 20);
    }
    await stage.until(async () => {
      expect([...effects.values()]).toEqual(subjects.map(() => n));
      expect(await stage.other.groups(stream)).toMatchObject([{ pending: 0, lag: 0, parked: 0, lostToTrim: 0 }]);
    });
    expect(broken).toEqual([]);
  }, 20_000);

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
