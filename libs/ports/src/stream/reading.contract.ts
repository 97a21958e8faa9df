import { expect, it } from '@jest/globals';
import { type Cursor } from './event-stream.js';
import { type Change, changes, type StreamStage } from './stream-stage.js';

export function describeReading(current: () => StreamStage): void {
  type Item = { event: Change; cursor: Cursor } | { gap: true };

  async function read(stream: ReturnType<StreamStage['stream']>, options: { after?: Cursor; limit?: number } = {}) {
    const items: Item[] = [];
    for await (const item of current().subject.read(stream, { partition: 0, ...options })) items.push(item);
    return items;
  }

  const shown = (items: Item[]) => items.map((item) => ('gap' in item ? 'gap' : item.event.n));
  const cursorOf = (items: Item[], at: number) => (items[at] as { cursor: Cursor }).cursor;

  it('reads in order to the present end, and goes on after a cursor', async () => {
    const stream = current().stream({ partitions: 1 });
    expect(await read(stream)).toEqual([]);
    // More than one batch of a reader.
    await current().subject.append(stream, changes('s', 450));
    const all = await read(stream);
    expect(shown(all)).toEqual(Array.from({ length: 450 }, (_, index) => index + 1));
    expect(shown(await read(stream, { after: cursorOf(all, 99), limit: 2 }))).toEqual([101, 102]);
    expect(await read(stream, { after: cursorOf(all, 449) })).toEqual([]);
    await current().other.append(stream, changes('s', 1, 451));
    expect(shown(await read(stream, { after: cursorOf(all, 449) }))).toEqual([451]);
  });

  it('gives deliveries the cursors that a reader gets', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    await stage.subject.append(stream, changes('s', 3));
    const { handled } = stage.consume(stage.other, stream);
    await stage.until(() => expect(handled).toHaveLength(3));
    expect(handled.map(({ cursor }) => cursor)).toEqual(
      (await read(stream)).map((item) => 'cursor' in item && item.cursor),
    );
    expect(handled[0]?.cursor).toMatch(/^[^.]+\.0\.[^.]+$/);
  });

  it('tells a reader of a gap when what followed its cursor is trimmed', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    await stage.subject.append(stream, changes('s', 5));
    const before = await read(stream);
    const { handled } = stage.consume(stage.other, stream);
    await stage.until(async () => {
      expect(handled).toHaveLength(5);
      expect(await stage.subject.trim(stream, { keep: 2 })).toBe(3);
    });
    expect(shown(await read(stream, { after: cursorOf(before, 1) }))).toEqual(['gap', 4, 5]);
    expect(shown(await read(stream, { after: cursorOf(before, 2) }))).toEqual([4, 5]);
    expect(shown(await read(stream))).toEqual([4, 5]);
  });

  it('tells a reader of a gap when the backend lost the stream meanwhile', async () => {
    const { subject, under } = current();
    const stream = current().stream({ partitions: 1 });
    await subject.append(stream, changes('s', 5));
    const before = await read(stream);
    await under.loseData(stream);
    expect(shown(await read(stream, { after: cursorOf(before, 2) }))).toEqual(['gap']);
    await subject.append(stream, changes('s', 5, 11));
    expect(shown(await read(stream, { after: cursorOf(before, 2) }))).toEqual(['gap', 11, 12, 13, 14, 15]);
  });

  it('refuses a cursor that is none, or of another partition', async () => {
    const { subject } = current();
    const stream = current().stream();
    await subject.append(stream, changes('s', 1), { sequenced: { producer: 'p', partition: 1, firstPosition: 1 } });
    const cursors: Cursor[] = [];
    for await (const item of subject.read(stream, { partition: 1 })) if ('cursor' in item) cursors.push(item.cursor);
    await expect(read(stream, { after: cursors[0] as Cursor })).rejects.toThrow(RangeError);
    await expect(read(stream, { after: 'nonsense' as Cursor })).rejects.toThrow(RangeError);
  });

  it('trims only what every registered group has acknowledged', async () => {
    const stage = current();
    const { subject } = stage;
    const stream = stage.stream({ partitions: 1 });
    await subject.append(stream, changes('s', 6));
    expect(await subject.trim(stream, { keep: 0 })).toBe(0);
    const fast = stage.consume(subject, stream, { group: 'fast' });
    const slow = stage.consume(subject, stream, {
      group: 'slow',
      handle: ({ event }) => (event.n <= 2 ? 'done' : { retryInMs: 3_600_000 }),
    });
    await stage.until(async () => {
      expect(fast.handled).toHaveLength(6);
      expect(slow.handled).toHaveLength(3);
      const states = await subject.groups(stream);
      expect(states.map(({ lag, pending }) => lag + pending)).toEqual([0, 4]);
    });
    expect(await subject.trim(stream, { keep: 0 })).toBe(2);
    expect(await subject.trim(stream, { keep: 0 })).toBe(0);
    expect((await stage.readAll(stream)).map(({ n }) => n)).toEqual([3, 4, 5, 6]);
    expect(await subject.groups(stream)).toMatchObject([{ lostToTrim: 0 }, { lostToTrim: 0 }]);
  });

  it('keeps as many entries as a trim is told to', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    await stage.subject.append(stream, changes('s', 6));
    const { handled } = stage.consume(stage.subject, stream);
    await stage.until(async () => {
      expect(handled).toHaveLength(6);
      expect(await stage.subject.groups(stream)).toMatchObject([{ pending: 0 }]);
    });
    expect(await stage.subject.trim(stream, { keep: 10 })).toBe(0);
    expect(await stage.subject.trim(stream, { keep: 4 })).toBe(2);
    expect((await stage.readAll(stream)).map(({ n }) => n)).toEqual([3, 4, 5, 6]);
  });
}
