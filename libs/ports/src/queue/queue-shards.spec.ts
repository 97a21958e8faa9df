import { expect, it } from '@jest/globals';
import { jsonCodec } from '../call/json-codec.js';
import { shardIndex, shardsOf } from './queue-shards.js';
import type { Queue } from './task-queue.js';

const queue: Queue<string> = {
  name: 'orders',
  codec: jsonCodec<string>('string@1'),
  shards: 4,
  leaseMs: 10_000,
  attempts: 3,
  backoff: { firstMs: 10, maxMs: 100, jitter: 1 },
  dedupeMs: 0,
  keepDead: { count: 0, ageMs: 0 },
  maxBytes: 1_003,
};

it('sends a dedupe key always to the same shard, and keys to all of them', () => {
  const of = (key: string) => shardIndex({ id: Math.random().toString(), dedupeKey: key }, 4);
  expect(of('order 7')).toBe(of('order 7'));
  const shards = new Set(Array.from({ length: 100 }, (_, n) => of(`order ${n}`)));
  expect([...shards].sort()).toEqual([0, 1, 2, 3]);
});

it('never moves a key: the place is stored with the tasks', () => {
  expect(['a', 'order 7', 'ü'].map((id) => shardIndex({ id }, 16))).toEqual([3, 7, 5]);
});

it('gives each shard an equal part of the bytes', () => {
  expect(shardsOf(queue).map(({ shard, maxBytes }) => [shard, maxBytes])).toEqual([
    [0, 250],
    [1, 250],
    [2, 250],
    [3, 250],
  ]);
});

it.each<[string, Partial<Queue<string>>]>([
  ['no name', { name: '' }],
  ['no shard', { shards: 0 }],
  ['half a shard', { shards: 1.5 }],
  ['a lease of no length', { leaseMs: 0 }],
  ['no attempt', { attempts: 0 }],
  ['a negative dedupe time', { dedupeMs: -1 }],
  ['jitter above 1', { backoff: { firstMs: 1, maxMs: 1, jitter: 1.1 } }],
  ['a backoff that is no number', { backoff: { firstMs: NaN, maxMs: 1, jitter: 1 } }],
])('refuses a queue with %s', (_, wrong) => {
  expect(() => shardsOf({ ...queue, ...wrong })).toThrow(RangeError);
});
