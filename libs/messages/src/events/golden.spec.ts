import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { deliveriesStream, ordersStream } from './streams.js';
import { UnknownEventTypeError } from './event-codec.js';

const folder = new URL('./golden/', import.meta.url);
const golden = readdirSync(folder).map((file) => ({ file, bytes: readFileSync(new URL(file, folder)) }));
const streamOf = (file: string) => (file.startsWith('delivery.') ? deliveriesStream : ordersStream);

describe('the golden payloads of every event', () => {
  it.each(golden)('$file still decodes, and encodes to the same JSON', ({ file, bytes }) => {
    const { codec } = streamOf(file);
    const event = codec.decode(bytes);
    expect(file).toBe(`${event.type}.json`);
    expect(JSON.parse(new TextDecoder().decode(codec.encode(event as never)))).toEqual(JSON.parse(bytes.toString()));
  });

  it('cover every type there is', () => {
    const types = [
      'delivery.completed.v1',
      'order.cancelled.v1',
      'order.confirmed.v1',
      'order.delivered.v1',
      'order.placed.v1',
      'order.rejected.v1',
    ];
    expect(golden.map(({ file }) => file.replace('.json', '')).sort()).toEqual(types);
  });

  it('decode with a field that a later release added', () => {
    for (const { file, bytes } of golden) {
      const value = JSON.parse(bytes.toString());
      const later = Buffer.from(JSON.stringify({ ...value, data: { ...value.data, addedLater: 1 } }));
      expect(() => streamOf(file).codec.decode(later)).not.toThrow();
    }
  });

  it('refuse an unknown version by name, and a payload without a field that consumers rely on', () => {
    const placed = JSON.parse(golden.find(({ file }) => file === 'order.placed.v1.json')!.bytes.toString());
    const decode = (value: unknown) => ordersStream.codec.decode(Buffer.from(JSON.stringify(value)));
    expect(() => decode({ ...placed, type: 'order.placed.v2' })).toThrow(UnknownEventTypeError);
    expect(() => decode({ ...placed, data: { ...placed.data, total: undefined } })).toThrow(/total/);
  });
});
