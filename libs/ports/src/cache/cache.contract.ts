import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { FullFault } from '../call/backend-fault.js';
import type { Codec } from '../call/call.js';
import { jsonCodec } from '../call/json-codec.js';
import type { Clock } from '../clock/clock.js';
import { eventually } from '../eventually/eventually.js';
import type { Restore, Troubles } from '../faulty/troubles.js';
import type { Space } from './cache.js';
import type { CacheDriver, CacheKey, NewCacheEntry } from './cache-driver.js';
import { DrivenCache, type DrivenCacheOptions } from './driven-cache.js';

/** A backend of its own for one test. Its troubles befall every handle; a cut reply, whichever calls next. */
export interface CacheUnderTest extends Troubles {
  /** Another handle, as another process has it. */
  driver(): CacheDriver & { close(): Promise<void> };
  /** Of the caches above it. */
  clock: Clock;
  /** Default budget of the drivers' calls. */
  timeoutMs: number;
  close(): Promise<void>;
}

/** Long enough to be hit by a slow machine, short enough to be waited for. */
const TTL_MS = 600;
const GRACE_MS = 900;

/** What every adapter of the cache owes, below `DrivenCache` and together with it. */
export function describeCacheContract(name: string, factory: { open(): Promise<CacheUnderTest> }): void {
  describe(`${name}: cache`, () => {
    let backend: CacheUnderTest;
    let space: Space<string>;
    let options: DrivenCacheOptions;

    let troubles: Restore[];

    /** So that a test which fails in the middle of it does not leave it to the next. */
    const until = (restore: Restore): Restore => {
      troubles.push(restore);
      return restore;
    };
    const cache = (tuning: Partial<DrivenCacheOptions> = {}) =>
      new DrivenCache(backend.driver(), { ...options, ...tuning });
    const at = (key: string): CacheKey => ({ space: space.name, key });
    const entry = (text: string, tuning: Partial<NewCacheEntry> = {}): NewCacheEntry => ({
      schema: space.codec.schema,
      bytes: space.codec.encode(text),
      freshMs: TTL_MS,
      keepMs: TTL_MS + GRACE_MS,
      ...tuning,
    });
    const loads = (value: string | undefined) => jest.fn(async (): Promise<string | undefined> => value);

    /** A load that ends when the test says so. */
    const heldLoad = () => {
      let began: () => void;
      let end: (value: string | undefined) => void;
      const begun = new Promise<void>((resolve) => (began = resolve));
      const gate = new Promise<string | undefined>((resolve) => (end = resolve));
      const load = jest.fn((_signal: AbortSignal) => {
        began();
        return gate;
      });
      return { load, began: begun, end: (value: string | undefined) => end(value) };
    };

    /** Lets time pass until `work` has settled. */
    const passUntil = async <T>(work: Promise<T>): Promise<T> => {
      let settled = false;
      const settle = () => {
        settled = true;
      };
      work.then(settle, settle);
      for (let steps = 0; !settled && steps < 1_000; steps += 1) await backend.advance(20);
      return work;
    };

    beforeEach(async () => {
      troubles = [];
      backend = await factory.open();
      space = {
        name: `space-${randomUUID()}`,
        codec: jsonCodec<string>('text@1', asText),
        ttlMs: TTL_MS,
        graceMs: GRACE_MS,
      };
      options = { clock: backend.clock, timeoutMs: backend.timeoutMs, jitter: 0 };
    });

    afterEach(async () => {
      for (const restore of troubles) await restore();
      await backend.close();
    });

    describe('what is kept', () => {
      it('answers a miss where nothing is', async () => {
        expect(await cache().get(space, 'absent')).toEqual({ value: undefined, from: 'miss', ageMs: 0 });
      });

      it('answers a hit, on every handle, with its age', async () => {
        await cache().set(space, 'k', 'v');
        await backend.advance(100);
        const found = await cache().get(space, 'k');
        expect(found).toMatchObject({ value: 'v', from: 'hit' });
        expect(found.ageMs).toBeGreaterThanOrEqual(90);
        expect(found.ageMs).toBeLessThan(TTL_MS);
      });

      it('keeps bytes as they are', async () => {
        const bytes = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
        const blobs: Space<Uint8Array> = { ...space, codec: bytesCodec };
        await cache().set(blobs, 'k', bytes);
        expect(await cache().get(blobs, 'k')).toMatchObject({ value: bytes, from: 'hit' });
      });

      it('keeps an empty value and a schema of any letters', async () => {
        const odd: Space<Uint8Array> = { ...space, codec: { ...bytesCodec, schema: 'größe|1 ü:{x}' } };
        await cache().set(odd, 'k', new Uint8Array());
        expect(await cache().get(odd, 'k')).toMatchObject({ value: new Uint8Array(), from: 'hit' });
      });

      it('is stale after ttlMs and gone after the grace', async () => {
        const subject = cache();
        await subject.set(space, 'k', 'v');
        await backend.advance(TTL_MS + 50);
        expect(await subject.get(space, 'k')).toMatchObject({ value: 'v', from: 'stale' });
        await backend.advance(GRACE_MS);
        expect(await subject.get(space, 'k')).toMatchObject({ value: undefined, from: 'miss' });
      });

      it('lets values end a little apart', async () => {
        const subject = cache({ jitter: 0.5, random: () => 0.999 });
        await subject.set(space, 'k', 'v');
        await backend.advance(TTL_MS / 2 + 50);
        expect(await subject.get(space, 'k')).toMatchObject({ from: 'stale' });
      });

      it('does not let names run together', async () => {
        const subject = cache();
        const names = ['a:b', 'a%3Ab', 'a', '{a}', 'a}:{b', 'ä', 'A'];
        for (const key of names) await subject.set(space, key, `of ${key}`);
        await subject.set({ ...space, name: `${space.name}:a` }, 'b', 'of another space');
        for (const key of names) expect(await subject.get(space, key)).toMatchObject({ value: `of ${key}` });
      });

      it('takes a value of another schema for a miss, and replaces it', async () => {
        await cache().set(space, 'k', 'old');
        const newer: Space<string> = { ...space, codec: jsonCodec<string>('text@2', asText) };
        expect(await cache().get(newer, 'k')).toMatchObject({ value: undefined, from: 'miss' });
        expect(await cache().getOrLoad(newer, 'k', loads('new'))).toMatchObject({ value: 'new', from: 'miss' });
        expect(await cache().get(newer, 'k')).toMatchObject({ value: 'new', from: 'hit' });
      });

      it('takes a value that does not decode for a miss, and replaces it', async () => {
        await backend.driver().store(at('k'), entry('', { bytes: Uint8Array.of(0xff, 0xfe) }));
        expect(await cache().get(space, 'k')).toMatchObject({ value: undefined, from: 'miss' });
        expect(await cache().getOrLoad(space, 'k', loads('v'))).toMatchObject({ value: 'v', from: 'miss' });
        expect(await cache().get(space, 'k')).toMatchObject({ value: 'v', from: 'hit' });
      });

      it('does not keep a value over the limit, nor the one before it', async () => {
        const subject = cache({ maxBytes: 100 });
        await subject.set(space, 'k', 'small');
        await subject.set(space, 'k', 'x'.repeat(101));
        expect(await subject.get(space, 'k')).toMatchObject({ value: undefined, from: 'miss' });
        const big = 'y'.repeat(101);
        expect(await subject.getOrLoad(space, 'k', loads(big))).toMatchObject({ value: big, from: 'miss' });
        expect(await subject.get(space, 'k')).toMatchObject({ from: 'miss' });
      });

      it('forgets keys on every handle when they are invalidated, present or not', async () => {
        const [one, other] = [cache(), cache()];
        await one.set(space, 'a', '1');
        await one.set(space, 'b', '2');
        await one.set(space, 'c', '3');
        expect(await other.invalidate(space, ['a', 'b', 'absent'])).toBe('invalidated');
        expect(await one.get(space, 'a')).toMatchObject({ from: 'miss' });
        expect(await one.get(space, 'b')).toMatchObject({ from: 'miss' });
        expect(await one.get(space, 'c')).toMatchObject({ value: '3', from: 'hit' });
        expect(await other.invalidate(space, [])).toBe('invalidated');
      });
    });

    describe('loading', () => {
      it('loads what is missing, and keeps it', async () => {
        const load = loads('v');
        expect(await cache().getOrLoad(space, 'k', load)).toEqual({ value: 'v', from: 'miss', ageMs: 0 });
        expect(await cache().getOrLoad(space, 'k', load)).toMatchObject({ value: 'v', from: 'hit' });
        expect(load).toHaveBeenCalledTimes(1);
      });

      it('loads once for all who ask at once in one process', async () => {
        const subject = cache();
        const { load, began, end } = heldLoad();
        const early = Array.from({ length: 20 }, () => subject.getOrLoad(space, 'k', load));
        await began;
        const late = Array.from({ length: 20 }, () => subject.getOrLoad(space, 'k', load));
        await backend.advance(50);
        end('v');
        const answers = await Promise.all([...early, ...late]);
        expect(answers.map(({ value }) => value)).toEqual(Array.from({ length: 40 }, () => 'v'));
        expect(load).toHaveBeenCalledTimes(1);
      });

      it('loads once for all who ask at once in several processes', async () => {
        const { load, began, end } = heldLoad();
        const processes = Array.from({ length: 5 }, () => cache());
        const asked = processes.flatMap((one) => [one.getOrLoad(space, 'k', load), one.getOrLoad(space, 'k', load)]);
        await began;
        await backend.advance(100);
        end('v');
        const answers = await passUntil(Promise.all(asked));
        expect(answers.map(({ value }) => value)).toEqual(Array.from({ length: 10 }, () => 'v'));
        expect(load).toHaveBeenCalledTimes(1);
      });

      it('keeps the lease of a load that takes longer than it', async () => {
        // A third of it passes between renewals: a slow machine may stop for the rest.
        const tuning = { leaseMs: 900 };
        const { load, began, end } = heldLoad();
        const first = cache(tuning).getOrLoad(space, 'k', load);
        await began;
        const other = loads('of another');
        const second = cache(tuning).getOrLoad(space, 'k', other);
        for (let step = 0; step < 12; step += 1) await backend.advance(120);
        end('v');
        expect(await first).toMatchObject({ value: 'v' });
        expect(await passUntil(second)).toMatchObject({ value: 'v' });
        expect(other).not.toHaveBeenCalled();
      });

      it('takes over the load of a process that died once its lease has run out', async () => {
        await backend.driver().begin(at('k'), { token: 'of the dead', leaseMs: 400, version: '' });
        const load = loads('v');
        const asked = cache().getOrLoad(space, 'k', load);
        await backend.advance(100);
        expect(load).not.toHaveBeenCalled();
        expect(await passUntil(asked)).toMatchObject({ value: 'v', from: 'miss' });
        expect(await cache().get(space, 'k')).toMatchObject({ value: 'v', from: 'hit' });
      });

      it('refuses the result of a load that was taken over', async () => {
        const [paused, successor] = [backend.driver(), backend.driver()];
        expect(await paused.begin(at('k'), { token: 'first', leaseMs: 200, version: '' })).toEqual({ status: 'begun' });
        await backend.advance(250);
        expect(await successor.begin(at('k'), { token: 'second', leaseMs: 2_000, version: '' })).toEqual({
          status: 'begun',
        });
        expect(await paused.renew(at('k'), { token: 'first', leaseMs: 5_000 })).toBe('lost');
        expect(await paused.finish(at('k'), { token: 'first', entry: entry('old') })).toBe('superseded');
        expect(await successor.read(at('k'))).toEqual({ version: '', entry: undefined });
        expect(await paused.begin(at('k'), { token: 'third', leaseMs: 200, version: '' })).toEqual({
          status: 'held',
          token: 'second',
        });
        expect(await successor.finish(at('k'), { token: 'second', entry: entry('new') })).toBe('finished');
        expect(await paused.giveBack(at('k'), { token: 'first', alsoEntry: true })).toBe('superseded');
        expect(await cache().get(space, 'k')).toMatchObject({ value: 'new', from: 'hit' });
      });

      it('does not repeat a load that ended after the caller had looked', async () => {
        const [one, late] = [backend.driver(), backend.driver()];
        const begin = (version: string, token: string) => late.begin(at('k'), { token, leaseMs: 1_000, version });
        const { version: before } = await late.read(at('k'));
        await one.begin(at('k'), { token: 'first', leaseMs: 2_000, version: before });
        await one.finish(at('k'), { token: 'first', entry: entry('v') });
        expect(await begin(before, 'second')).toEqual({ status: 'changed' });
        const { version } = await late.read(at('k'));
        await backend.advance(5);
        await one.store(at('k'), entry('newer'));
        expect(await begin(version, 'third')).toEqual({ status: 'changed' });
        expect(await begin((await late.read(at('k'))).version, 'fourth')).toEqual({ status: 'begun' });
        expect(await begin('', 'fifth')).toEqual({ status: 'held', token: 'fourth' });
      });

      it('lets the next one load at once when a load failed', async () => {
        const subject = cache();
        const failing = jest.fn(async () => Promise.reject(new Error('the owner is away')));
        await expect(subject.getOrLoad(space, 'k', failing)).rejects.toThrow('the owner is away');
        expect(await cache().getOrLoad(space, 'k', loads('v'))).toMatchObject({ value: 'v', from: 'miss' });
      });

      it('aborts a load that takes too long, and fails it', async () => {
        const { load } = heldLoad();
        const asked = cache({ loadTimeoutMs: 200 }).getOrLoad(space, 'k', load);
        await expect(passUntil(asked)).rejects.toMatchObject({ code: 'TIMEOUT' });
        expect(load.mock.calls[0]?.[0].aborted).toBe(true);
      });

      it('ends the wait of one caller, and goes on loading for the others', async () => {
        const subject = cache();
        const { load, began, end } = heldLoad();
        const impatient = new AbortController();
        const first = subject.getOrLoad(space, 'k', load, { signal: impatient.signal });
        const second = subject.getOrLoad(space, 'k', load);
        const short = subject.getOrLoad(space, 'k', load, { budgetMs: 150 });
        await began;
        impatient.abort();
        await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
        await expect(passUntil(short)).rejects.toMatchObject({ code: 'TIMEOUT' });
        end('v');
        expect(await second).toMatchObject({ value: 'v' });
        expect(load).toHaveBeenCalledTimes(1);
      });

      it('gives the lease back when whoever got it has gone meanwhile', async () => {
        const driver = backend.driver();
        const gone = new AbortController();
        const begin = driver.begin.bind(driver);
        driver.begin = async (...args) => {
          const begun = await begin(...args);
          gone.abort();
          return begun;
        };
        const load = loads('v');
        const asked = new DrivenCache(driver, options).getOrLoad(space, 'k', load, { signal: gone.signal });
        await expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
        expect(load).not.toHaveBeenCalled();
        await eventually(
          async () => {
            const next = { token: 'next', leaseMs: 5_000, version: '' };
            expect(await backend.driver().begin(at('k'), next)).toEqual({ status: 'begun' });
          },
          { withinMs: 1_000 },
        );
      });

      it('remembers that there is none, for negativeTtlMs', async () => {
        const remembering: Space<string> = { ...space, negativeTtlMs: TTL_MS };
        const load = loads(undefined);
        expect(await cache().getOrLoad(remembering, 'k', load)).toMatchObject({ value: undefined, from: 'miss' });
        expect(await cache().getOrLoad(remembering, 'k', load)).toMatchObject({ value: undefined, from: 'hit' });
        expect(load).toHaveBeenCalledTimes(1);
        await backend.advance(TTL_MS + 50);
        expect(await cache().get(remembering, 'k')).toMatchObject({ from: 'miss' });
      });

      it('does not remember that there is none unless told to', async () => {
        const load = loads(undefined);
        await cache().getOrLoad(space, 'k', load);
        expect(await cache().getOrLoad(space, 'k', load)).toMatchObject({ value: undefined, from: 'miss' });
        expect(load).toHaveBeenCalledTimes(2);
      });
    });

    describe('stale values', () => {
      const makeStale = async (key = 'k') => {
        await cache().set(space, key, 'old');
        await backend.advance(TTL_MS + 50);
      };

      it('serves the stale value while one of all processes revalidates', async () => {
        await makeStale();
        const { load, began, end } = heldLoad();
        const eager = { ...space, softTimeoutMs: 10_000 };
        const [one, other] = [cache(), cache()];
        const revalidating = one.getOrLoad(eager, 'k', load);
        await began;
        expect(await one.getOrLoad(eager, 'k', load)).toMatchObject({ value: 'old', from: 'stale' });
        expect(await other.getOrLoad(eager, 'k', load)).toMatchObject({ value: 'old', from: 'stale' });
        end('new');
        expect(await revalidating).toEqual({ value: 'new', from: 'miss', ageMs: 0 });
        expect(await other.getOrLoad(eager, 'k', load)).toMatchObject({ value: 'new', from: 'hit' });
        expect(load).toHaveBeenCalledTimes(1);
      });

      it('serves the stale value after the soft time-out, and the new one later', async () => {
        await makeStale();
        const { load, end } = heldLoad();
        const subject = cache();
        const asked = subject.getOrLoad({ ...space, softTimeoutMs: 100 }, 'k', load);
        expect(await passUntil(asked)).toMatchObject({ value: 'old', from: 'stale' });
        end('new');
        await backend.advance(100);
        expect(await subject.get(space, 'k')).toMatchObject({ value: 'new', from: 'hit' });
      });

      it('serves the stale value when the load fails, and tries again', async () => {
        await makeStale();
        const onFault = jest.fn();
        const subject = cache({ onFault });
        const failing = jest.fn(async () => Promise.reject(new Error('the owner is away')));
        expect(await subject.getOrLoad(space, 'k', failing)).toMatchObject({ value: 'old', from: 'stale' });
        expect(await subject.getOrLoad(space, 'k', failing)).toMatchObject({ value: 'old', from: 'stale' });
        expect(failing).toHaveBeenCalledTimes(2);
        expect(onFault).toHaveBeenCalledWith(expect.objectContaining({ message: 'the owner is away' }));
      });

      it('drops the stale value once a load says that there is none', async () => {
        await makeStale();
        expect(await cache().getOrLoad(space, 'k', loads(undefined))).toMatchObject({ value: undefined, from: 'miss' });
        expect(await cache().get(space, 'k')).toMatchObject({ value: undefined, from: 'miss' });
      });
    });

    describe('invalidation', () => {
      it.each([
        ['this process', 0],
        ['another process', 1],
      ])('is not undone by a load that began before it, invalidated by %s', async (_who, index) => {
        const handles = [cache(), cache()] as const;
        const { load, began, end } = heldLoad();
        const asked = handles[0].getOrLoad(space, 'k', load);
        await began;
        expect(await handles[index as 0 | 1].invalidate(space, ['k'])).toBe('invalidated');
        end('old');
        expect(await asked).toMatchObject({ value: 'old' });
        for (const handle of handles) expect(await handle.get(space, 'k')).toMatchObject({ from: 'miss' });
      });

      it.each([
        ['this process', 0],
        ['another process', 1],
      ])(
        'is seen by whoever asks after it, though a load from before it runs, invalidated by %s',
        async (_who, index) => {
          const handles = [cache(), cache()] as const;
          const { load: before, began, end } = heldLoad();
          const asked = handles[0].getOrLoad(space, 'k', before);
          await began;
          await handles[index as 0 | 1].invalidate(space, ['k']);
          const after = loads('new');
          expect(await passUntil(handles[0].getOrLoad(space, 'k', after))).toMatchObject({ value: 'new' });
          end('old');
          expect(await asked).toMatchObject({ value: 'old' });
          expect(await handles[1].get(space, 'k')).toMatchObject({ value: 'new', from: 'hit' });
        },
      );

      it('does not let a caller join a load from before it while another process loads anew', async () => {
        const [one, other] = [cache(), cache()];
        const [before, after] = [heldLoad(), heldLoad()];
        const first = one.getOrLoad(space, 'k', before.load);
        await before.began;
        await other.invalidate(space, ['k']);
        const anew = other.getOrLoad(space, 'k', after.load);
        await after.began;
        const waiting = one.getOrLoad(space, 'k', loads('of nobody'));
        await backend.advance(50);
        before.end('old');
        expect(await first).toMatchObject({ value: 'old' });
        after.end('new');
        expect(await anew).toMatchObject({ value: 'new' });
        expect(await passUntil(waiting)).toMatchObject({ value: 'new' });
      });

      it('holds too when the entry came back and its lease was taken anew', async () => {
        const driver = backend.driver();
        await driver.begin(at('k'), { token: 'before', leaseMs: 5_000, version: '' });
        await cache().invalidate(space, ['k']);
        await driver.begin(at('k'), { token: 'after', leaseMs: 5_000, version: '' });
        expect(await driver.finish(at('k'), { token: 'before', entry: entry('old') })).toBe('superseded');
        expect(await driver.finish(at('k'), { token: 'after', entry: entry('new') })).toBe('finished');
        expect(await cache().get(space, 'k')).toMatchObject({ value: 'new' });
      });

      it('protects what was set from a load that began before', async () => {
        const subject = cache();
        const { load, began, end } = heldLoad();
        const asked = subject.getOrLoad(space, 'k', load);
        await began;
        await cache().set(space, 'k', 'set');
        end('loaded before');
        await asked;
        expect(await subject.get(space, 'k')).toMatchObject({ value: 'set', from: 'hit' });
      });
    });

    describe('a backend that fails', () => {
      const alone = { breaker: { failures: 2, openMs: 150 } };

      it('invalidates though the reply is lost', async () => {
        const [subject, other] = [cache(), cache()];
        await subject.set(space, 'k', 'v');
        await backend.cutNextReply();
        expect(['invalidated', 'unknown']).toContain(await subject.invalidate(space, ['k']));
        expect(await other.get(space, 'k')).toMatchObject({ from: 'miss' });
      });

      it('keeps what was set though the reply is lost', async () => {
        const [subject, other] = [cache(), cache()];
        await subject.get(space, 'k');
        await backend.cutNextReply();
        await subject.set(space, 'k', 'v');
        expect(await other.get(space, 'k')).toMatchObject({ value: 'v', from: 'hit' });
      });

      it('answers a load though the reply to its end is lost', async () => {
        const [subject, other] = [cache(), cache()];
        const { load, began, end } = heldLoad();
        const asked = subject.getOrLoad(space, 'k', load);
        await began;
        await backend.cutNextReply();
        end('v');
        expect(await passUntil(asked)).toMatchObject({ value: 'v', from: 'miss' });
        expect(await other.get(space, 'k')).toMatchObject({ value: 'v', from: 'hit' });
      });

      it('goes round a silent backend, each call within its budget', async () => {
        const subject = cache({ breaker: { failures: 1_000 } });
        await subject.set(space, 'k', 'kept');
        const speak = until(await backend.silence());
        const timed = async <T>(work: () => Promise<T>): Promise<T> => {
          const beganMs = performance.now();
          const answer = await work();
          // Twice: a part of the budget, and this machine's other tests.
          expect(performance.now() - beganMs).toBeLessThan(2 * backend.timeoutMs + 100);
          return answer;
        };
        expect(await timed(() => subject.get(space, 'k'))).toMatchObject({ value: undefined, from: 'bypass' });
        expect(await timed(() => subject.getOrLoad(space, 'k', loads('loaded')))).toMatchObject({
          value: 'loaded',
          from: 'bypass',
        });
        expect(await timed(() => subject.invalidate(space, ['k']))).toBe('unknown');
        await timed(() => subject.set(space, 'k', 'lost'));
        await speak();
      });

      it('leaves a silent backend alone, and comes back to it', async () => {
        const subject = cache(alone);
        await subject.set(space, 'k', 'kept');
        const speak = until(await backend.silence());
        for (let call = 0; call < 2; call += 1) await subject.get(space, 'k');
        const beganMs = performance.now();
        expect(await subject.get(space, 'k')).toMatchObject({ from: 'bypass' });
        expect(performance.now() - beganMs).toBeLessThan(backend.timeoutMs / 2);
        await speak();
        await eventually(
          async () => {
            expect(await subject.getOrLoad(space, 'k', loads('loaded'))).not.toMatchObject({ from: 'bypass' });
          },
          { withinMs: 3_000 },
        );
        expect(await subject.getOrLoad(space, 'k', loads('loaded'))).toMatchObject({ from: 'hit' });
      });

      it('loads once a key and only so many in all while the backend is away', async () => {
        const subject = cache({ breaker: { failures: 1, openMs: 60_000 }, bulkhead: { loads: 2, queue: 1 } });
        const speak = until(await backend.silence());
        await subject.get(space, 'any');
        const held = ['a', 'b', 'c'].map((key) => ({ key, ...heldLoad() }));
        const asked = held.map(({ key, load }) => subject.getOrLoad(space, key, load));
        const again = subject.getOrLoad(space, 'a', held[0]!.load);
        await Promise.all([held[0]!.began, held[1]!.began]);
        await expect(subject.getOrLoad(space, 'd', loads('v'))).rejects.toMatchObject({
          code: 'CACHE_OVERLOADED',
          retryAfterMs: 60_000,
        });
        expect(held[2]!.load).not.toHaveBeenCalled();
        for (const { key, end } of held) end(`of ${key}`);
        const answers = await Promise.all([...asked, again]);
        expect(answers.map(({ value, from }) => [value, from])).toEqual([
          ['of a', 'bypass'],
          ['of b', 'bypass'],
          ['of c', 'bypass'],
          ['of a', 'bypass'],
        ]);
        expect(held[0]!.load).toHaveBeenCalledTimes(1);
        expect(await subject.getOrLoad(space, 'd', loads('v'))).toMatchObject({ value: 'v', from: 'bypass' });
        await speak();
      });

      it('does not let a caller join a load from before an invalidation that did not get through', async () => {
        const subject = cache({ breaker: { failures: 1, openMs: 60_000 } });
        const speak = until(await backend.silence());
        await subject.get(space, 'any');
        const before = heldLoad();
        const first = subject.getOrLoad(space, 'k', before.load);
        await before.began;
        expect(await subject.invalidate(space, ['k'])).toBe('unknown');
        expect(await subject.getOrLoad(space, 'k', loads('new'))).toMatchObject({ value: 'new', from: 'bypass' });
        before.end('old');
        expect(await first).toMatchObject({ value: 'old', from: 'bypass' });
        await speak();
      });

      it('goes round a full backend, still answers hits and still invalidates', async () => {
        const subject = cache();
        await subject.set(space, 'kept', 'v');
        await subject.set(space, 'changed', 'old');
        const drain = until(await backend.fill());
        await expect(backend.driver().store(at('x'), entry('v'))).rejects.toBeInstanceOf(FullFault);
        expect(await subject.get(space, 'kept')).toMatchObject({ value: 'v', from: 'hit' });
        expect(await subject.getOrLoad(space, 'other', loads('loaded'))).toMatchObject({
          value: 'loaded',
          from: 'bypass',
        });
        await subject.set(space, 'changed', 'new');
        expect(await subject.get(space, 'changed')).toMatchObject({ value: undefined, from: 'miss' });
        expect(await subject.invalidate(space, ['kept'])).toBe('invalidated');
        expect(await subject.get(space, 'kept')).toMatchObject({ from: 'miss' });
        await drain();
        expect(await subject.getOrLoad(space, 'other', loads('loaded'))).toMatchObject({ from: 'miss' });
        expect(await subject.get(space, 'other')).toMatchObject({ value: 'loaded', from: 'hit' });
      });

      it('gives the lease back when the backend fills up during a load', async () => {
        const { load, began, end } = heldLoad();
        const asked = cache().getOrLoad(space, 'k', load);
        await began;
        const drain = until(await backend.fill());
        end('v');
        expect(await passUntil(asked)).toMatchObject({ value: 'v' });
        await drain();
        expect(await backend.driver().begin(at('k'), { token: 'next', leaseMs: 100, version: '' })).toEqual({
          status: 'begun',
        });
      });

      it('refuses calls once it is closed, and closes twice', async () => {
        const driver = backend.driver();
        await driver.read(at('k'));
        await driver.close();
        await driver.close();
        const subject = new DrivenCache(driver, options);
        await expect(subject.get(space, 'k')).rejects.toMatchObject({ code: 'CLOSED' });
        await expect(subject.getOrLoad(space, 'k', loads('v'))).rejects.toMatchObject({ code: 'CLOSED' });
        await expect(subject.set(space, 'k', 'v')).rejects.toMatchObject({ code: 'CLOSED' });
        await expect(subject.invalidate(space, ['k'])).rejects.toMatchObject({ code: 'CLOSED' });
      });
    });
  });
}

const bytesCodec: Codec<Uint8Array> = {
  schema: 'bytes@1',
  encode: (value) => value,
  decode: (bytes) => Uint8Array.from(bytes),
};

function asText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text');
  return value;
}
