import { expect, it } from '@jest/globals';
import { jsonCodec } from '../call/json-codec.js';
import { type Delivered, type Handled } from './event-stream.js';
import { type Change, changes, Gate, GROUP, numbersOf, type StreamStage } from './stream-stage.js';

export function describeParking(current: () => StreamStage): void {
  const parked = (stage: StreamStage, stream: ReturnType<StreamStage['stream']>, limit = 100) =>
    stage.subject.parked(stream, GROUP, { limit });

  it('sets a subject aside after its attempts, with its later events in order, and all others go on', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const attempts: number[] = [];
    const { handled } = stage.consume(stage.subject, stream, {
      handle: ({ subject, event, attempt }) => {
        if (subject === 'bad' && event.n === 2) {
          attempts.push(attempt);
          throw new Error('broken for good');
        }
        return 'done';
      },
    });
    await stage.subject.append(stream, [...changes('bad', 4), ...changes('good', 2)]);
    await stage.until(async () => expect(await parked(stage, stream)).toHaveLength(3));
    await stage.subject.append(stream, [...changes('bad', 1, 5), ...changes('good', 2, 3)]);
    await stage.until(async () => {
      expect(await parked(stage, stream)).toHaveLength(4);
      expect(numbersOf(handled, 'good')).toEqual([1, 2, 3, 4]);
    });
    expect(attempts).toEqual([1, 2, 3]);
    expect(numbersOf(handled, 'bad')).toEqual([1]);
    const list = await parked(stage, stream);
    expect(list.map(({ event }) => event?.n)).toEqual([2, 3, 4, 5]);
    expect(list[0]).toMatchObject({ partition: 0, subject: 'bad', attempts: 3, reason: 'broken for good' });
    expect(list[0]?.parkedAt).toBeGreaterThan(Date.UTC(2020));
    expect(await parked(stage, stream, 2)).toEqual(list.slice(0, 2));
    expect(await stage.subject.groups(stream)).toMatchObject([{ parked: 4, pending: 0, lag: 0, lagMs: 0 }]);
  });

  it('hands a resumed subject out in order, before its later events', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    let sound = false;
    const { handled } = stage.consume(stage.subject, stream, {
      handle: ({ subject }) => (sound || subject !== 'bad' ? 'done' : { park: 'not now' }),
    });
    await stage.subject.append(stream, changes('bad', 3));
    await stage.until(async () => expect(await parked(stage, stream)).toMatchObject([{ reason: 'not now' }, {}, {}]));
    const before = handled.length;
    sound = true;
    const resumed = stage.other.resume(stream, GROUP, 'bad');
    await stage.other.append(stream, changes('bad', 3, 4));
    expect(await resumed).toBe(3);
    await stage.other.append(stream, changes('bad', 3, 7));
    await stage.until(() => expect(handled.length - before).toBe(9));
    expect(numbersOf(handled.slice(before), 'bad')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(handled.at(before)).toMatchObject({ attempt: 1 });
    expect(await parked(stage, stream)).toEqual([]);
    await stage.until(async () => {
      expect(await stage.subject.groups(stream)).toMatchObject([{ parked: 0, pending: 0, lag: 0 }]);
    });
    await stage.other.append(stream, changes('bad', 1, 10));
    await stage.until(() => expect(numbersOf(handled.slice(before), 'bad')).toHaveLength(10));
    expect(await stage.other.resume(stream, GROUP, 'bad')).toBe(0);
  });

  it('resumes a subject once, when the reply to that was lost and it is asked again', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    let sound = false;
    const { handled } = stage.consume(stage.other, stream, {
      handle: () => (sound ? 'done' : { park: 'not now' }),
    });
    await stage.other.append(stream, changes('s', 3));
    await stage.until(async () => expect(await parked(stage, stream)).toHaveLength(3));
    const before = handled.length;
    sound = true;
    await stage.under.cutNextReply();
    await expect(stage.subject.resume(stream, GROUP, 's')).rejects.toMatchObject({ effect: 'unknown' });
    expect(await stage.subject.resume(stream, GROUP, 's')).toBe(0);
    await stage.other.append(stream, changes('s', 1, 4));
    await stage.until(() => expect(numbersOf(handled.slice(before), 's')).toEqual([1, 2, 3, 4]));
    expect(await parked(stage, stream)).toEqual([]);
  });

  it('resumes one subject, and leaves the others set aside', async () => {
    const stage = current();
    const stream = stage.stream();
    let sound = false;
    const { handled } = stage.consume(stage.subject, stream, {
      handle: () => (sound ? 'done' : { park: 'not now' }),
    });
    await stage.subject.append(
      stream,
      ['a', 'b', 'c'].flatMap((name) => changes(name, 2)),
    );
    await stage.until(async () => expect(await parked(stage, stream)).toHaveLength(6));
    const before = handled.length;
    sound = true;
    expect(await stage.subject.resume(stream, GROUP, 'b')).toBe(2);
    await stage.until(() => expect(numbersOf(handled.slice(before), 'b')).toEqual([1, 2]));
    expect(handled).toHaveLength(before + 2);
    expect((await parked(stage, stream)).map(({ subject }) => subject).sort()).toEqual(['a', 'a', 'c', 'c']);
  });

  it('sets a resumed subject aside again when it fails again', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const seen: string[] = [];
    stage.consume(stage.subject, stream, {
      attempts: 2,
      handle: ({ event, attempt }) => {
        seen.push(`${event.n}/${attempt}`);
        if (event.n === 2) throw new Error('still broken');
        return event.n === 1 && seen.length === 1 ? { park: 'first' } : 'done';
      },
    });
    await stage.subject.append(stream, changes('s', 3));
    await stage.until(async () => expect(await parked(stage, stream)).toHaveLength(3));
    await stage.subject.resume(stream, GROUP, 's');
    await stage.until(async () => {
      const list = await parked(stage, stream);
      expect(list.map(({ event }) => event?.n)).toEqual([2, 3]);
      expect(list[0]).toMatchObject({ attempts: 2, reason: 'still broken' });
    });
    expect(seen).toEqual(['1/1', '1/1', '2/1', '2/2']);
    // With all its attempts, each time.
    await stage.subject.resume(stream, GROUP, 's');
    await stage.until(async () => expect(await parked(stage, stream)).toMatchObject([{ attempts: 2 }, {}]));
    expect(seen.slice(4)).toEqual(['2/1', '2/2']);
  });

  it('goes on with a resumed subject under another owner', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const first = stage.consume(stage.subject, stream, { handle: () => ({ park: 'not now' }) });
    await stage.subject.append(stream, changes('s', 3));
    await stage.until(async () => expect(await parked(stage, stream)).toHaveLength(3));
    await first.running.stop({ deadlineMs: 1_000 });
    expect(await stage.subject.resume(stream, GROUP, 's')).toBe(3);
    const second = stage.consume(stage.other, stream);
    await stage.subject.append(stream, changes('s', 1, 4));
    await stage.until(() => expect(numbersOf(second.handled, 's')).toEqual([1, 2, 3, 4]));
  });

  it('sets aside what does not decode, and does not stumble over it', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const broken = { schema: 'change@1', encode: () => new Uint8Array([0xff, 0x00]), decode: stream.codec.decode };
    const later = jsonCodec<Change>('change@2');
    await stage.subject.append({ ...stream, codec: broken }, changes('poison', 1));
    await stage.subject.append({ ...stream, codec: later }, changes('new', 1));
    await stage.subject.append(stream, [...changes('poison', 1, 2), ...changes('good', 1)]);
    const { handled } = stage.consume(stage.subject, stream);
    await stage.until(async () => expect(await parked(stage, stream)).toHaveLength(3));
    const list = await parked(stage, stream);
    const poison = list.filter(({ subject }) => subject === 'poison');
    expect(poison.map(({ event }) => event?.n)).toEqual([undefined, 2]);
    expect(list.find(({ subject }) => subject === 'new')).toMatchObject({
      event: undefined,
      reason: expect.stringContaining('change@2'),
    });
    await stage.until(() => expect(handled.map(({ subject }) => subject)).toEqual(['good']));
  });

  it('sets aside what killed its consumer as often as it may be delivered', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    const started = new Gate();
    stage.consume(stage.subject, stream, {
      attempts: 1,
      handle: async ({ signal }): Promise<Handled> => {
        started.release();
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        return 'done';
      },
    });
    await stage.subject.append(stream, [...changes('killer', 2)]);
    await stage.until(() => expect(started.isOpen).toBe(true));
    await stage.under.sever();
    const { handled } = stage.consume(stage.other, stream, { attempts: 1 });
    await stage.until(async () => {
      const list = await stage.other.parked(stream, GROUP, { limit: 10 });
      expect(list.map(({ event }) => event?.n)).toEqual([1, 2]);
    });
    await stage.other.append(stream, changes('good', 1));
    await stage.until(() => expect(handled.map(({ subject }) => subject)).toEqual(['good']));
  });

  it('holds up no trim, and still has what was trimmed', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1 });
    let sound = false;
    const { handled } = stage.consume(stage.subject, stream, {
      handle: () => (sound ? 'done' : { park: 'not now' }),
    });
    await stage.subject.append(stream, changes('s', 3));
    await stage.until(async () => expect(await parked(stage, stream)).toHaveLength(3));
    expect(await stage.subject.trim(stream, { keep: 0 })).toBe(3);
    sound = true;
    const before = handled.length;
    await stage.subject.resume(stream, GROUP, 's');
    await stage.until(() => expect(numbersOf(handled.slice(before), 's')).toEqual([1, 2, 3]));
  });

  it('holds a subject back while the parking has no room, and loses nothing', async () => {
    const stage = current();
    const stream = stage.stream({ partitions: 1, cap: { bytes: 1_200, ageMs: 3_600_000, when: 'refuse' } });
    const sound = new Set<string>(['good']);
    const order: Delivered<Change>[] = [];
    const { faults } = stage.consume(stage.subject, stream, {
      handle: (delivered) => {
        if (!sound.has(delivered.subject)) return { park: 'not now' };
        order.push(delivered);
        return 'done';
      },
    });
    // Some 170 bytes an event: seven of them fill the parking.
    await stage.subject.append(stream, changes('bad', 7));
    await stage.until(async () => expect(await parked(stage, stream)).toHaveLength(7));
    await stage.subject.append(stream, [...changes('worse', 4), ...changes('good', 1)]);
    await stage.until(() => {
      expect(numbersOf(order, 'good')).toEqual([1]);
      expect(faults).toContainEqual(expect.objectContaining({ message: expect.stringContaining('parking') }));
    });
    sound.add('bad').add('worse');
    await stage.subject.resume(stream, GROUP, 'bad');
    await stage.until(() => expect(numbersOf(order, 'bad')).toEqual([1, 2, 3, 4, 5, 6, 7]));
    await stage.until(async () => {
      await stage.subject.resume(stream, GROUP, 'worse');
      expect(numbersOf(order, 'worse')).toEqual([1, 2, 3, 4]);
    });
  });
}
