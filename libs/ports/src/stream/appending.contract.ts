import { expect, it } from '@jest/globals';
import { TooLargeFault } from '../call/backend-fault.js';
import { changes, type StreamStage } from './stream-stage.js';

export function describeAppending(current: () => StreamStage): void {
  it('writes each event id once', async () => {
    const { subject, other } = current();
    const stream = current().stream();
    const [a, b, c] = changes('s', 3) as [never, never, never];
    expect(await subject.append(stream, [a, b, a])).toEqual({ status: 'appended', written: 2, duplicates: 1 });
    expect(await other.append(stream, [b, c])).toEqual({ status: 'appended', written: 1, duplicates: 1 });
    expect(await subject.append(stream, [])).toEqual({ status: 'appended', written: 0, duplicates: 0 });
    expect(await current().readAll(stream)).toEqual([a, b, c]);
  });

  it('puts all events of a subject into the partition of its hash', async () => {
    const { subject } = current();
    const stream = current().stream();
    const events = ['s-1', 's-2', 's-3', 's-4', 's-5', 'ä%{}:'].flatMap((name) => changes(name, 3));
    expect(await subject.append(stream, events)).toEqual({ status: 'appended', written: 18, duplicates: 0 });
    for (let partition = 0; partition < stream.partitions; partition += 1) {
      const expected = events.filter((event) => subject.partitionOf(stream, event.subject) === partition);
      expect(await current().read(stream, partition)).toEqual(expected);
    }
  });

  it('drops the lower positions of a producer as duplicates', async () => {
    const { subject, other } = current();
    const stream = current().stream();
    const events = changes('s', 5);
    const at = { producer: 'relay', partition: 2 };
    const first = await subject.append(stream, events.slice(0, 3), { sequenced: { ...at, firstPosition: 1 } });
    expect(first).toEqual({ status: 'appended', written: 3, duplicates: 0 });
    const again = await other.append(stream, events.slice(0, 3), { sequenced: { ...at, firstPosition: 1 } });
    expect(again).toEqual({ status: 'appended', written: 0, duplicates: 3 });
    const more = await subject.append(stream, events.slice(1), { sequenced: { ...at, firstPosition: 2 } });
    expect(more).toEqual({ status: 'appended', written: 2, duplicates: 2 });
    expect(await other.lastPosition(stream, 'relay', 2)).toBe(5);
    expect(await current().read(stream, 2)).toEqual(events);
  });

  it('refuses a hole in the positions, and says which one it wants', async () => {
    const { subject } = current();
    const stream = current().stream();
    const events = changes('s', 4);
    const at = { producer: 'relay', partition: 0 };
    const hole = await subject.append(stream, events.slice(1), { sequenced: { ...at, firstPosition: 2 } });
    expect(hole).toEqual({ status: 'gap', expected: 1 });
    await subject.append(stream, events.slice(0, 1), { sequenced: { ...at, firstPosition: 1 } });
    const later = await subject.append(stream, events.slice(2), { sequenced: { ...at, firstPosition: 3 } });
    expect(later).toEqual({ status: 'gap', expected: 2 });
    expect(await current().read(stream, 0)).toEqual(events.slice(0, 1));
    expect(await subject.lastPosition(stream, 'relay', 0)).toBe(1);
  });

  it('begins at a later position only as a base, where it has nothing of the producer', async () => {
    const { subject } = current();
    const stream = current().stream();
    const events = changes('s', 4);
    const at = { producer: 'relay', partition: 0 };
    const base = await subject.append(stream, events.slice(0, 2), {
      sequenced: { ...at, firstPosition: 501, base: true },
    });
    expect(base).toEqual({ status: 'appended', written: 2, duplicates: 0 });
    expect(await subject.lastPosition(stream, 'relay', 0)).toBe(502);
    const second = await subject.append(stream, events.slice(2), {
      sequenced: { ...at, firstPosition: 601, base: true },
    });
    expect(second).toEqual({ status: 'gap', expected: 503 });
    expect(await current().read(stream, 0)).toEqual(events.slice(0, 2));
  });

  it('keeps the positions of producers and of partitions apart', async () => {
    const { subject } = current();
    const stream = current().stream();
    await subject.append(stream, changes('s', 2), { sequenced: { producer: 'a', partition: 0, firstPosition: 1 } });
    await subject.append(stream, changes('s', 1), { sequenced: { producer: 'b', partition: 0, firstPosition: 1 } });
    await subject.append(stream, changes('s', 1));
    const positions = [
      await subject.lastPosition(stream, 'a', 0),
      await subject.lastPosition(stream, 'b', 0),
      await subject.lastPosition(stream, 'a', 1),
    ];
    expect(positions).toEqual([2, 1, 0]);
  });

  it('writes each position once when two relays race', async () => {
    const { subject, other } = current();
    const stream = current().stream();
    const events = changes('s', 40);
    const relay = async (from: typeof subject) => {
      for (let position = 1; position <= events.length;) {
        const batch = events.slice(position - 1, position + 2);
        const sequenced = { producer: 'relay', partition: 1, firstPosition: position };
        const answer = await from.append(stream, batch, { sequenced });
        position = answer.status === 'gap' ? answer.expected : position + batch.length;
      }
    };
    await Promise.all([relay(subject), relay(other)]);
    expect(await current().read(stream, 1)).toEqual(events);
  });

  it('is refused at the cap as a whole, until what every group has acknowledged makes room', async () => {
    const stage = current();
    const { subject } = stage;
    const stream = stage.stream({ partitions: 1, cap: { bytes: 2_000, ageMs: 3_600_000, when: 'refuse' } });
    expect(await subject.append(stream, changes('s', 8))).toMatchObject({ status: 'appended' });
    const before = await stage.readAll(stream);
    const full = await subject.append(stream, changes('t', 8));
    expect(full).toEqual({ status: 'full', retryAfterMs: expect.any(Number) });
    expect(await stage.readAll(stream)).toEqual(before);
    const { handled } = stage.consume(stage.other, stream);
    await stage.until(async () => {
      expect(handled).toHaveLength(8);
      expect(await subject.groups(stream)).toMatchObject([{ pending: 0, lag: 0 }]);
    });
    expect(await subject.append(stream, changes('t', 8))).toMatchObject({ status: 'appended', written: 8 });
    await stage.until(() => expect(handled).toHaveLength(16));
    expect(await subject.groups(stream)).toMatchObject([{ lostToTrim: 0 }]);
  });

  it('drops the oldest at the cap of a stream that trims, and counts what a group has lost', async () => {
    const stage = current();
    const { subject } = stage;
    const stream = stage.stream({ partitions: 1, cap: { bytes: 2_000, ageMs: 3_600_000, when: 'trim' } });
    const { handled, running } = stage.consume(subject, stream);
    await subject.append(stream, changes('s', 2));
    await stage.until(() => expect(handled).toHaveLength(2));
    await running.stop({ deadlineMs: 1_000 });
    for (let n = 1; n <= 30; n += 1) await subject.append(stream, changes('s', 1, 100 + n));
    const left = await stage.readAll(stream);
    expect(left.length).toBeGreaterThan(1);
    expect(left.at(-1)).toMatchObject({ n: 130 });
    const [state] = await subject.groups(stream);
    expect(state).toMatchObject({ lag: left.length, pending: 0, lostToTrim: 30 - left.length });
    const later = stage.consume(subject, stream);
    await stage.until(() => expect(later.handled.map(({ event }) => event)).toEqual(left));
    expect(await subject.groups(stream)).toMatchObject([{ lostToTrim: 30 - left.length }]);
  });

  it('refuses a batch that fits into no partition, and drops nothing for it', async () => {
    const { subject } = current();
    for (const when of ['refuse', 'trim'] as const) {
      const stream = current().stream({ partitions: 1, cap: { bytes: 2_000, ageMs: 3_600_000, when } });
      const small = changes('s', 3);
      await subject.append(stream, small);
      expect(await subject.append(stream, changes('t', 20))).toMatchObject({ status: 'full' });
      expect(await current().readAll(stream)).toEqual(small);
    }
  });

  it('drops what is too old and acknowledged, and nothing else', async () => {
    const stage = current();
    const { subject } = stage;
    const stream = stage.stream({ partitions: 1, cap: { bytes: 100_000, ageMs: 50, when: 'refuse' } });
    await subject.append(stream, changes('s', 2));
    const { handled, running } = stage.consume(subject, stream);
    await stage.until(() => expect(handled).toHaveLength(2));
    await running.stop({ deadlineMs: 1_000 });
    await subject.append(stream, changes('s', 1, 3));
    await stage.under.advance(100);
    await subject.append(stream, changes('s', 1, 4));
    expect((await stage.readAll(stream)).map(({ n }) => n)).toEqual([3, 4]);
  });

  it('refuses an event over the limit of one value, and writes none of the batch', async () => {
    const { subject } = current();
    const stream = current().stream();
    const big = { id: 'big', subject: 'x'.repeat(1_100_000), n: 1 };
    const attempt = subject.append(stream, [...changes('s', 1), big]);
    await expect(attempt).rejects.toBeInstanceOf(TooLargeFault);
    await expect(attempt).rejects.toMatchObject({ code: 'TOO_LARGE', effect: 'none' });
    expect(await current().readAll(stream)).toEqual([]);
  });

  it('has written an event exactly once when its reply was lost and the append is tried again', async () => {
    const { subject, under } = current();
    const stream = current().stream();
    const [event, numbered] = changes('s', 2) as [never, never];
    const sequenced = { producer: 'relay', partition: subject.partitionOf(stream, 's'), firstPosition: 1 };
    await under.cutNextReply();
    await expect(subject.append(stream, [event])).rejects.toMatchObject({ effect: 'unknown' });
    expect(await subject.append(stream, [event])).toEqual({ status: 'appended', written: 0, duplicates: 1 });
    await under.cutNextReply();
    await expect(subject.append(stream, [numbered], { sequenced })).rejects.toMatchObject({ effect: 'unknown' });
    const again = await subject.append(stream, [numbered], { sequenced });
    expect(again).toEqual({ status: 'appended', written: 0, duplicates: 1 });
    expect(await current().readAll(stream)).toEqual([event, numbered]);
  });

  it('has trimmed, and no more than it may, when its reply was lost and it is asked again', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const { handled } = stage.consume(stage.other, stream);
    await stage.other.append(stream, changes('s', 5));
    await stage.until(async () => {
      expect(await stage.other.groups(stream)).toMatchObject([{ lag: 0, pending: 0 }]);
    });
    await stage.under.cutNextReply();
    await expect(stage.subject.trim(stream, { keep: 2 })).rejects.toMatchObject({ effect: 'unknown' });
    expect(await stage.subject.trim(stream, { keep: 2 })).toBe(0);
    expect((await stage.readAll(stream)).map(({ n }) => n)).toEqual([4, 5]);
    await stage.other.append(stream, changes('s', 1, 6));
    await stage.until(() => expect(handled.map(({ event }) => event.n)).toEqual([1, 2, 3, 4, 5, 6]));
    expect(await stage.other.groups(stream)).toMatchObject([{ lostToTrim: 0 }]);
  });
}
