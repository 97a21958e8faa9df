import { describe, expect, it } from '@jest/globals';
import { type Call, SystemClock } from '@redstart/ports';
import { coalesce, type CoalesceOptions } from './coalesce.js';

function doubling(options: Partial<CoalesceOptions<number, number>> = {}) {
  const batches: { inputs: readonly number[]; call: Call }[] = [];
  const call = coalesce<number, number>({
    operation: 'test.double',
    maxBatch: 3,
    timeoutMs: 500,
    clock: new SystemClock(),
    ...options,
    flush: async (inputs, flushCall) => {
      batches.push({ inputs, call: flushCall });
      return options.flush ? options.flush(inputs, flushCall) : inputs.map((input) => input * 2);
    },
  });
  return { call, batches };
}

const never = () => new Promise<never>(() => undefined);

describe('coalesce', () => {
  it('gathers the calls of one tick, and answers each its own', async () => {
    const { call, batches } = doubling();
    expect(await Promise.all([call(1), call(2), call(3)])).toEqual([2, 4, 6]);
    expect(await call(4)).toBe(8);
    expect(batches.map(({ inputs }) => inputs)).toEqual([[1, 2, 3], [4]]);
  });

  it('cuts what is gathered into batches of the most that is allowed', async () => {
    const { call, batches } = doubling();
    expect(await Promise.all([1, 2, 3, 4].map((input) => call(input)))).toEqual([2, 4, 6, 8]);
    expect(batches.map(({ inputs }) => inputs)).toEqual([[1, 2, 3], [4]]);
  });

  it('gives a batch the longest budget of its calls', async () => {
    const { call, batches } = doubling();
    await Promise.all([call(1, { budgetMs: 20 }), call(2, { budgetMs: 700 }), call(3)]);
    expect(batches[0]?.call).toEqual({ budgetMs: 700 });
  });

  it('fails every call of a batch with its fault, and no other', async () => {
    const broken = new Error('broken');
    const { call } = doubling({
      flush: async (inputs) => {
        if (inputs.includes(4)) throw broken;
        return [...inputs];
      },
    });
    const settled = await Promise.allSettled([1, 2, 3, 4].map((input) => call(input)));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
  });

  it('fails every call when the batch was answered short', async () => {
    const { call } = doubling({ flush: async () => [1] });
    const settled = await Promise.allSettled([call(1), call(2)]);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('ends one call at its own budget while the batch goes on', async () => {
    let answer: (out: number[]) => void = () => undefined;
    const { call } = doubling({ flush: () => new Promise((resolve) => (answer = resolve)) });
    const patient = call(1);
    await expect(call(2, { budgetMs: 10 })).rejects.toMatchObject({ code: 'TIMEOUT', effect: 'unknown' });
    answer([10, 20]);
    expect(await patient).toBe(10);
  });

  it('holds a call to the default budget in a batch that may take longer', async () => {
    const { call } = doubling({ timeoutMs: 10, flush: never });
    const other = call(1, { budgetMs: 60_000, signal: AbortSignal.timeout(100) });
    await expect(call(2)).rejects.toMatchObject({ code: 'TIMEOUT', effect: 'unknown' });
    await expect(other).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('does not send what was aborted in the same tick', async () => {
    const { call, batches } = doubling();
    const controller = new AbortController();
    const aborted = call(1, { signal: controller.signal });
    const kept = call(2);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', effect: 'none' });
    await expect(call(3, { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED', effect: 'none' });
    expect(await kept).toBe(4);
    expect(batches.map(({ inputs }) => inputs)).toEqual([[2]]);
  });

  it('says unknown of a call aborted after it was sent', async () => {
    const { call } = doubling({ flush: never });
    const controller = new AbortController();
    const aborted = call(1, { signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', effect: 'unknown' });
  });
});
