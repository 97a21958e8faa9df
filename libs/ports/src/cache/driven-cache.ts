import { randomUUID } from 'node:crypto';
import { AbortedFault, BackendFault, ClosedFault, FullFault } from '../call/backend-fault.js';
import { BackendBreaker, type BreakerOptions } from '../call/backend-breaker.js';
import type { Call } from '../call/call.js';
import { Deadline } from '../call/deadline.js';
import type { Clock } from '../clock/clock.js';
import { Cache, type Cached, type Space } from './cache.js';
import type { CacheDriver, CacheKey, NewCacheEntry } from './cache-driver.js';
import { CacheOverloadedError } from './cache-errors.js';
import { BulkheadFullError, LoadBulkhead, type BulkheadOptions } from './load-bulkhead.js';
import { loadWithin, repeat, type Flight, type Load } from './load-flight.js';

export interface DrivenCacheOptions {
  clock: Clock;
  /** Default budget of a call to the backend. */
  timeoutMs: number;
  /** After this a load is aborted and fails. Default 5000. */
  loadTimeoutMs?: number;
  /** How long the lease of a load outlives the process that holds it; renewed while it loads. Default 2000. */
  leaseMs?: number;
  /** Values that encode to more are not cached. Default 1 MiB. */
  maxBytes?: number;
  /** Up to this share of `ttlMs` is taken off at random, so that what was stored together does not expire together. Default 0.1. */
  jitter?: number;
  breaker?: BreakerOptions;
  /** Bounds the loads while the backend is away. */
  bulkhead?: BulkheadOptions;
  /** Told of what nobody awaits: a revalidation in the background that failed. */
  onFault?: (error: unknown) => void;
  /** 0 (inclusive) to 1. Default `Math.random`. */
  random?: () => number;
}

/** What a look at the backend found. */
type Found<T> =
  | { state: 'fresh' | 'stale'; value: T | undefined; ageMs: number; version: string }
  | { state: 'absent'; version: string }
  | { state: 'away' };

/** Who has the lease of a key: this process with `token`, or whoever made `token`; or nobody, and there is news. */
interface Turn {
  status: 'ours' | 'theirs' | 'changed';
  token: string;
  taken: boolean;
}

/** What a load leaves: an entry, none (not even the one before), or what was there. */
type Outcome = NewCacheEntry | 'no entry' | 'nothing';

/** First and last wait between two looks for a value that another process loads. */
const POLL_MS = { first: 10, last: 100 };

/** The logic of `Cache` above any driver: single-flight, staleness, breaker, bulkhead. */
export class DrivenCache extends Cache {
  private readonly options: Required<Omit<DrivenCacheOptions, 'breaker' | 'bulkhead'>>;
  private readonly breaker: BackendBreaker;
  private readonly bulkhead: LoadBulkhead;
  /** Loads of this process that newcomers may join. An invalidation takes them out. */
  private readonly flights = new Map<string, Flight<unknown>>();
  /** Calls of `begin` that are not sent yet: whoever misses in the same tick shares one. */
  private readonly beginning = new Map<string, Promise<Turn>>();

  constructor(
    private readonly driver: CacheDriver,
    options: DrivenCacheOptions,
  ) {
    super();
    this.options = {
      loadTimeoutMs: 5_000,
      leaseMs: 2_000,
      maxBytes: 1_048_576,
      jitter: 0.1,
      random: Math.random,
      ...options,
      onFault: options.onFault ?? (() => undefined),
    };
    this.breaker = new BackendBreaker('cache', options.breaker);
    this.bulkhead = new LoadBulkhead(options.bulkhead);
  }

  async get<T>(space: Space<T>, key: string, call: Call = {}): Promise<Cached<T>> {
    const found = await this.look(space, keyOf(space, key), call);
    if (found.state === 'fresh') return { value: found.value, from: 'hit', ageMs: found.ageMs };
    if (found.state === 'stale') return { value: found.value, from: 'stale', ageMs: found.ageMs };
    return { value: undefined, from: found.state === 'away' ? 'bypass' : 'miss', ageMs: 0 };
  }

  async getOrLoad<T>(space: Space<T>, key: string, load: Load<T>, call: Call = {}): Promise<Cached<T>> {
    const at = keyOf(space, key);
    const { clock, loadTimeoutMs, timeoutMs } = this.options;
    // Two calls to the backend and a load, ours or another's.
    const budgetMs = call.budgetMs ?? loadTimeoutMs + 2 * timeoutMs;
    const deadline = new Deadline(clock, 'cache.getOrLoad', { budgetMs, signal: call.signal });
    const limited = call.budgetMs !== undefined || call.signal !== undefined;

    for (let pollMs = POLL_MS.first; ; pollMs = Math.min(pollMs * 2, POLL_MS.last)) {
      // A hit is the hot path: without a limit of the caller's own, the driver's is enough and costs no timer.
      const found = await this.look(space, at, limited ? deadline.step(timeoutMs) : {});
      if (found.state === 'fresh') return { value: found.value, from: 'hit', ageMs: found.ageMs };
      if (found.state === 'away') return this.goRound(space, at, load, deadline);
      const stale = found.state === 'stale' ? found : undefined;
      if (stale && this.flights.has(nameOf(at))) return { value: stale.value, from: 'stale', ageMs: stale.ageMs };

      const turn = await this.begin(at, found.version, deadline);
      if (turn === 'away') {
        if (stale) return { value: stale.value, from: 'stale', ageMs: stale.ageMs };
        return this.goRound(space, at, load, deadline);
      }
      if (turn.status === 'changed') {
        deadline.check();
        continue;
      }
      if (stale && turn.status === 'theirs') return { value: stale.value, from: 'stale', ageMs: stale.ageMs };
      const flight = turn.status === 'ours' ? this.fly(space, at, load, turn.token) : this.joined<T>(at, turn.token);
      if (flight && stale) return this.valueOrStale(space, flight, stale, deadline);
      if (flight) return { value: await deadline.race(flight.result), from: 'miss', ageMs: 0 };

      // Another process loads. It wakes nobody: a load is short, and a poll is one cheap read.
      await clock.sleep(Math.min(pollMs, deadline.remainingMs()), call.signal);
      deadline.check();
    }
  }

  async set<T>(space: Space<T>, key: string, value: T, call: Call = {}): Promise<void> {
    const at = keyOf(space, key);
    const entry = this.entryOf(space, value);
    this.flights.delete(nameOf(at));
    try {
      if (entry) await this.breaker.run(() => this.driver.store(at, entry, call));
      else await this.breaker.run(() => this.driver.remove([at], call));
    } catch (error) {
      if (!isOutage(error)) throw error;
      // There is no room for the new value; the old one, which is wrong now, can still go.
      if (error instanceof FullFault) await this.driver.remove([at], call).catch(this.options.onFault);
    }
  }

  async invalidate<T>(space: Space<T>, keys: readonly string[], call: Call = {}): Promise<'invalidated' | 'unknown'> {
    if (keys.length === 0) return 'invalidated';
    const places = keys.map((key) => keyOf(space, key));
    for (const at of places) this.flights.delete(nameOf(at));
    try {
      // Past the breaker: this one is worth a try in any case.
      await this.driver.remove(places, call);
      return 'invalidated';
    } catch (error) {
      if (!isOutage(error)) throw error;
      return 'unknown';
    }
  }

  private async look<T>(space: Space<T>, at: CacheKey, call: Call): Promise<Found<T>> {
    let look;
    try {
      look = await this.breaker.run(() => this.driver.read(at, call));
    } catch (error) {
      if (!isOutage(error)) throw error;
      return { state: 'away' };
    }
    const { entry, version } = look;
    if (!entry || entry.schema !== space.codec.schema) return { state: 'absent', version };
    const state = entry.ageMs < entry.freshMs ? 'fresh' : 'stale';
    if (!entry.bytes) return { state, value: undefined, ageMs: entry.ageMs, version };
    try {
      return { state, value: space.codec.decode(entry.bytes), ageMs: entry.ageMs, version };
    } catch {
      return { state: 'absent', version };
    }
  }

  /** Whose turn it is to load. One call of `begin` serves all who miss in one tick. */
  private async begin(at: CacheKey, version: string, deadline: Deadline): Promise<Turn | 'away'> {
    const name = nameOf(at);
    const sent = this.beginning.get(name) ?? this.sendBegin(at, name, version);
    try {
      const turn = await deadline.race(sent);
      // The first who is still there takes it; the others find its flight.
      if (turn.status !== 'ours') return turn;
      if (turn.taken) return { ...turn, status: 'theirs' };
      turn.taken = true;
      return { ...turn };
    } catch (error) {
      if (!isOutage(error)) throw error;
      return 'away';
    }
  }

  private sendBegin(at: CacheKey, name: string, version: string): Promise<Turn> {
    const sent = nextTick().then(async (): Promise<Turn> => {
      this.beginning.delete(name);
      const { leaseMs, timeoutMs: budgetMs } = this.options;
      const lease = { token: randomUUID(), leaseMs, version };
      const began = await this.breaker.run(() => this.driver.begin(at, lease, { budgetMs }));
      if (began.status === 'held') return { status: 'theirs', token: began.token, taken: false };
      const status = began.status === 'begun' ? 'ours' : 'changed';
      return { status, token: lease.token, taken: false };
    });
    this.beginning.set(name, sent);
    sent
      .then(nextTick, nextTick)
      .then(async () => {
        const turn = await sent;
        // Whoever asked has gone: no one else is to wait for a load that nobody started.
        if (turn.status === 'ours' && !turn.taken) await this.finish(at, turn.token, 'nothing');
      })
      .catch(() => undefined);
    return sent;
  }

  /**
   * The load of this process that holds the lease. It may be joined: an invalidation would have taken its lease, so it
   * began after the last one.
   */
  private joined<T>(at: CacheKey, token: string): Flight<T> | undefined {
    const flight = this.flights.get(nameOf(at));
    return flight?.token === token ? (flight as Flight<T>) : undefined;
  }

  private fly<T>(space: Space<T>, at: CacheKey, load: Load<T>, token: string): Flight<T> {
    const flight: Flight<T> = { token, result: this.loadUnderLease(space, at, load, token) };
    return this.takeOff(at, flight);
  }

  private takeOff<T>(at: CacheKey, flight: Flight<T>): Flight<T> {
    const name = nameOf(at);
    this.flights.set(name, flight);
    const land = () => {
      if (this.flights.get(name) === flight) this.flights.delete(name);
    };
    flight.result.then(land, land);
    return flight;
  }

  private async loadUnderLease<T>(space: Space<T>, at: CacheKey, load: Load<T>, token: string): Promise<T | undefined> {
    const { clock, leaseMs, loadTimeoutMs } = this.options;
    const renewal = repeat(clock, leaseMs / 3, async () => {
      const renewed = await this.driver.renew(at, { token, leaseMs }).catch(() => 'renewed');
      return renewed === 'renewed';
    });
    let outcome: Outcome = 'nothing';
    try {
      const value = await loadWithin(load, { clock, timeoutMs: loadTimeoutMs, operation: 'cache.load' });
      outcome = this.entryOf(space, value) ?? 'no entry';
      return value;
    } finally {
      renewal.stop();
      await this.finish(at, token, outcome);
    }
  }

  /** Never rejects: the value is there, only not kept. */
  private async finish(at: CacheKey, token: string, outcome: Outcome): Promise<void> {
    try {
      await this.breaker.run(() =>
        typeof outcome === 'object'
          ? this.driver.finish(at, { token, entry: outcome })
          : this.driver.giveBack(at, { token, alsoEntry: outcome === 'no entry' }),
      );
    } catch (error) {
      if (error instanceof FullFault) await this.finish(at, token, 'nothing');
      else this.options.onFault(error);
    }
  }

  private async valueOrStale<T>(
    space: Space<T>,
    flight: Flight<T>,
    stale: { value: T | undefined; ageMs: number },
    deadline: Deadline,
  ): Promise<Cached<T>> {
    const { clock, timeoutMs, onFault } = this.options;
    flight.result.catch(onFault);
    const waitMs = Math.min(space.softTimeoutMs ?? timeoutMs, deadline.remainingMs());
    const enough = new AbortController();
    const loaded = flight.result.then(
      (value): Cached<T> => ({ value, from: 'miss', ageMs: 0 }),
      () => undefined,
    );
    const waited = clock.sleep(waitMs, enough.signal).then(() => undefined);
    const answer = await deadline.race(Promise.race([loaded, waited])).finally(() => enough.abort());
    return answer ?? { value: stale.value, from: 'stale', ageMs: stale.ageMs + waitMs };
  }

  /** The backend is away: one load at a time a key in this process, and only so many in all. */
  private async goRound<T>(space: Space<T>, at: CacheKey, load: Load<T>, deadline: Deadline): Promise<Cached<T>> {
    deadline.check();
    const under = this.flights.get(nameOf(at)) as Flight<T> | undefined;
    const flight = under ?? this.takeOff(at, { token: undefined, result: this.loadInBulkhead(space, load) });
    return { value: await deadline.race(flight.result), from: 'bypass', ageMs: 0 };
  }

  private async loadInBulkhead<T>(space: Space<T>, load: Load<T>): Promise<T | undefined> {
    const { clock, loadTimeoutMs: timeoutMs } = this.options;
    try {
      // The time limit counts from here, so that it holds for the wait in the queue too.
      return await loadWithin((signal) => this.bulkhead.run(() => load(signal), signal), {
        clock,
        timeoutMs,
        operation: 'cache.load',
      });
    } catch (error) {
      if (error instanceof BulkheadFullError) throw new CacheOverloadedError(space.name, this.breaker.openMs, error);
      throw error;
    }
  }

  /** Undefined: not to be kept. */
  private entryOf<T>(space: Space<T>, value: T | undefined): NewCacheEntry | undefined {
    const { jitter, maxBytes, random } = this.options;
    const ttlMs = value === undefined ? (space.negativeTtlMs ?? 0) : space.ttlMs;
    const freshMs = Math.round(ttlMs * (1 - jitter * random()));
    if (freshMs <= 0) return undefined;
    const { codec } = space;
    // "There is none" has no grace: once it is no longer fresh, the owner is asked.
    if (value === undefined) return { schema: codec.schema, bytes: undefined, freshMs, keepMs: freshMs };
    const bytes = codec.encode(value);
    if (bytes.byteLength > maxBytes) return undefined;
    return { schema: codec.schema, bytes, freshMs, keepMs: freshMs + space.graceMs };
  }
}

/** Whether the backend failed, as against this call (aborted) or this adapter (closed). */
function isOutage(error: unknown): boolean {
  return error instanceof BackendFault && !(error instanceof ClosedFault) && !(error instanceof AbortedFault);
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function keyOf(space: { name: string }, key: string): CacheKey {
  if (space.name === '' || key === '') throw new RangeError('a cache space and a key need a name');
  return { space: space.name, key };
}

function nameOf(at: CacheKey): string {
  return `${at.space}\u0000${at.key}`;
}
