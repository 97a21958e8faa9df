import { randomUUIDv7 } from 'node:crypto';
import { AbortedFault, BackendFault, ClosedFault, TimeoutFault, UnavailableFault } from '../call/backend-fault.js';
import { BackendBreaker, type BreakerOptions } from '../call/backend-breaker.js';
import type { Call } from '../call/call.js';
import type { Clock } from '../clock/clock.js';
import { PendingRevocations } from './pending-revocations.js';
import { SessionStore, type Session, type SessionRead } from './session.js';
import type { SeededSession, Seeding, SessionDriver, SessionKey, SessionLookup } from './session-driver.js';
import type { SessionRecord, SessionRecords } from './session-records.js';
import { newSessionToken, parseSessionToken } from './session-token.js';
import { UnknownTokens } from './unknown-tokens.js';

export interface DrivenSessionStoreOptions<D> {
  driver: SessionDriver;
  records: SessionRecords<D>;
  clock: Clock;
  /** What a call to the backend may take before the record stands in for it. Default: the driver's own. */
  timeoutMs?: number;
  /** Whether the records can be asked for such a user; a token of any other is none. Default: always. */
  isUserId?: (userId: string) => boolean;
  /** Checks the data of an entry that was read back; throws when it is not a `D`. Such an entry is read from the record. */
  parse?: (data: unknown) => D;
  /** The idle limit moves at most once in so many milliseconds, and at least once in a thirtieth of it. Default 60 000. */
  extendEveryMs?: number;
  breaker?: BreakerOptions;
  /** Told of what nobody awaits: a seeding or a revocation that did not reach the backend. */
  onFault?: (error: unknown) => void;
  /** Makes the id that may be shown. Default: a UUIDv7. */
  newId?: () => string;
}

/** What of a record lies in the backend: all but the hash, which is in the key. */
type Body<D> = Omit<SessionRecord<D>, 'tokenHash' | 'userId'>;

/** So often a read begins anew because revocations of the user's other sessions came in between. */
const SEEDINGS = 3;

/** The logic of `SessionStore` above any driver: the record behind the backend, and trust after an outage. */
export class DrivenSessionStore<D> extends SessionStore<D> {
  private readonly driver: SessionDriver;
  private readonly records: SessionRecords<D>;
  private readonly clock: Clock;
  private readonly breaker: BackendBreaker;
  private readonly unknown: UnknownTokens;
  private readonly pending: PendingRevocations;
  private readonly onFault: (error: unknown) => void;

  /**
   * Entries that were verified before this instant of the backend's clock are verified once more before they are
   * trusted: a revocation may have missed the backend while this process could not see it. Set by the first answer
   * after each outage, and by the first of all.
   */
  private trustedSinceMs = 0;
  private untrusted = true;
  private interruptions = 0;

  constructor(private readonly options: DrivenSessionStoreOptions<D>) {
    super();
    this.driver = options.driver;
    this.records = options.records;
    this.clock = options.clock;
    this.breaker = new BackendBreaker('session', options.breaker);
    this.unknown = new UnknownTokens(options.clock);
    this.onFault = options.onFault ?? (() => undefined);
    this.pending = new PendingRevocations(options.clock, this.onFault);
  }

  async create(
    userId: string,
    {
      data,
      device,
      idleMs,
      absoluteMs,
      ...given
    }: Call & { data: D; device: string; idleMs: number; absoluteMs: number },
  ): Promise<{ token: string; session: Session<D> }> {
    const call = inAll(given, this.clock);
    const { token, tokenHash } = newSessionToken(userId);
    if (!this.parse(token))
      throw new RangeError('the user id of a session is 1 to 128 printable ASCII characters, and one its records know');
    const id = this.options.newId?.() ?? randomUUIDv7();
    // Before the record exists: a revocation that comes as soon as it does is then seen by the seeding.
    const prepared = await this.prepare(userId, call);
    const createdAt = this.clock.now();
    const expiresAt = createdAt + absoluteMs;
    const record: SessionRecord<D> = { id, userId, tokenHash, data, device, createdAt, idleMs, expiresAt };
    await this.records.save(record, call);
    if (prepared) await this.seed({ userId, tokenHash }, record, prepared, call);
    return { token, session: this.sessionOf(userId, record, idleMs) };
  }

  async read(token: string, given: Call = {}): Promise<SessionRead<D>> {
    const call = inAll(given, this.clock);
    const at = this.parse(token);
    if (!at || this.unknown.has(at.tokenHash)) return { status: 'none' };
    const found = await this.look(at, call);
    if (found?.status === 'ended') return { status: 'none' };
    if (found?.status === 'idle') return this.endIdle(at, call);
    if (found?.status === 'active' && found.verifiedAtMs >= this.trustedSinceMs) {
      const session = this.trusted(at, found);
      if (session) return session;
    }
    return this.readRecord(at, { call, backend: found !== undefined, entry: found?.status === 'active' });
  }

  async revoke(token: string, given: Call = {}): Promise<'revoked' | 'none'> {
    const call = inAll(given, this.clock);
    const at = this.parse(token);
    if (!at) return 'none';
    const outcome = await this.records.revoke(at.userId, at.tokenHash, call);
    this.unknown.add(at.tokenHash);
    // Also when there was none to revoke: an earlier try may have reached the record alone.
    await this.reach(nameOf(at), (within) => this.driver.end(at, within), call);
    return outcome;
  }

  async revokeAll(userId: string, given: Call = {}): Promise<void> {
    const call = inAll(given, this.clock);
    await this.records.revokeAll(userId, call);
    await this.reach(nameOf({ userId, tokenHash: '' }), (within) => this.driver.endAll(userId, within), call);
  }

  /** Ends the background retries. The driver and the records are their owners' to close. */
  close(): void {
    this.pending.close();
  }

  private parse(token: string): SessionKey | undefined {
    const at = parseSessionToken(token);
    return at && (this.options.isUserId?.(at.userId) ?? true) ? at : undefined;
  }

  /** Undefined: the backend is away. */
  private async look(at: SessionKey, call: Call): Promise<SessionLookup | undefined> {
    const found = await this.ask((within) => this.driver.read(at, within), call);
    if (found) this.noteAnswer(found.nowMs);
    return found;
  }

  private trusted(at: SessionKey, found: SessionLookup & { status: 'active' }): SessionRead<D> | undefined {
    let body: Body<D>;
    try {
      body = JSON.parse(found.body) as Body<D>;
      if (this.options.parse) body.data = this.options.parse(body.data);
    } catch {
      return undefined;
    }
    return { status: 'active', session: this.sessionOf(at.userId, body, found.idleRemainingMs) };
  }

  private async readRecord(
    at: SessionKey,
    options: { call: Call; backend: boolean; entry: boolean; tries?: number },
  ): Promise<SessionRead<D>> {
    const { call, backend, entry, tries = SEEDINGS } = options;
    const prepared = backend && tries > 0 ? await this.prepare(at.userId, call) : undefined;
    const record = await this.records.find(at.userId, at.tokenHash, call);
    if (!record || record.expiresAt <= this.clock.now()) {
      this.unknown.add(at.tokenHash);
      // What the backend still holds is a session whose revocation did not reach it.
      if (entry) await this.reach(nameOf(at), (within) => this.driver.end(at, within), call);
      return { status: 'none' };
    }
    const seeding = prepared && (await this.seed(at, record, prepared, call));
    if (seeding?.status === 'ended') return { status: 'none' };
    // Perhaps it was this session's revocation: what the record said before counts no more.
    if (seeding?.status === 'superseded') return this.readRecord(at, { ...options, tries: tries - 1 });
    return { status: 'active', session: this.sessionOf(at.userId, record, seeding?.idleRemainingMs ?? record.idleMs) };
  }

  /** So that a backend that forgets it later cannot revive it: its record ends too. */
  private async endIdle(at: SessionKey, call: Call): Promise<SessionRead<D>> {
    try {
      await this.records.revoke(at.userId, at.tokenHash, call);
      await this.driver.end(at, this.step(call));
      this.unknown.add(at.tokenHash);
    } catch (error) {
      // The entry stays idle: the next read tries again.
      this.onFault(error);
    }
    return { status: 'none' };
  }

  private async prepare(userId: string, call: Call): Promise<{ generation: string; nowMs: number } | undefined> {
    const prepared = await this.ask((within) => this.driver.prepare(userId, within), call);
    if (prepared) this.noteAnswer(prepared.nowMs);
    return prepared;
  }

  private seed(
    at: SessionKey,
    record: SessionRecord<D>,
    prepared: { generation: string; nowMs: number },
    call: Call,
  ): Promise<Seeding | undefined> {
    const { id, data, device, createdAt, idleMs, expiresAt } = record;
    const body: Body<D> = { id, data, device, createdAt, idleMs, expiresAt };
    const session: SeededSession = {
      body: JSON.stringify(body),
      idleMs,
      throttleMs: Math.floor(Math.min(idleMs / 30, this.options.extendEveryMs ?? 60_000)),
      remainingMs: Math.max(1, expiresAt - this.clock.now()),
      generation: prepared.generation,
      verifiedAtMs: prepared.nowMs,
    };
    return this.ask((within) => this.driver.seed(at, session, within), call);
  }

  /** A call that the record can stand in for. Undefined: the backend did not do it. */
  private async ask<T>(work: (call: Call) => Promise<T>, call: Call): Promise<T | undefined> {
    try {
      return await this.breaker.run(() => work(this.step(call)));
    } catch (error) {
      this.noteFault(error);
      if (!isOutage(error)) throw error;
      this.onFault(error);
      return undefined;
    }
  }

  /** A revocation that the record already has: it may come later, but it comes. */
  private async reach(name: string, work: (call: Call) => Promise<void>, call: Call): Promise<void> {
    try {
      await work(this.step(call));
    } catch (error) {
      this.noteFault(error);
      this.onFault(error);
      if (error instanceof ClosedFault) return;
      this.pending.add(name, () => work(this.step({})));
    }
  }

  /** What the backend may take of a call: its default, or half of what is left, so that the record can still answer. */
  private step(call: Call): Call {
    const limits = [this.options.timeoutMs, call.budgetMs === undefined ? undefined : call.budgetMs / 2];
    const budgetMs = Math.min(...limits.filter((limit) => limit !== undefined));
    return { ...(Number.isFinite(budgetMs) && { budgetMs }), ...(call.signal && { signal: call.signal }) };
  }

  private noteFault(error: unknown): void {
    if (error instanceof UnavailableFault || error instanceof TimeoutFault) this.untrusted = true;
  }

  private noteAnswer(nowMs: number): void {
    if (this.driver.interruptions !== this.interruptions) this.untrusted = true;
    if (!this.untrusted) return;
    this.untrusted = false;
    this.interruptions = this.driver.interruptions;
    this.trustedSinceMs = Math.max(this.trustedSinceMs, nowMs);
  }

  private sessionOf(userId: string, body: Body<D>, idleRemainingMs: number): Session<D> {
    const { id, data, device, createdAt, expiresAt } = body;
    const idleExpiresAt = Math.min(this.clock.now() + idleRemainingMs, expiresAt);
    return { id, userId, data, device, createdAt, idleExpiresAt, expiresAt };
  }
}

/** Whether the backend failed, as against this call (aborted) or this adapter (closed). */
function isOutage(error: unknown): boolean {
  return error instanceof BackendFault && !(error instanceof ClosedFault) && !(error instanceof AbortedFault);
}

function nameOf(at: SessionKey): string {
  return `${at.userId} ${at.tokenHash}`;
}

/** The call, whose budget is at any time what is left of the whole. */
function inAll(call: Call, clock: Clock): Call {
  if (call.budgetMs === undefined) return call;
  const endsAtMs = clock.monotonicMs() + call.budgetMs;
  return {
    ...(call.signal && { signal: call.signal }),
    get budgetMs() {
      return Math.max(0, endsAtMs - clock.monotonicMs());
    },
  };
}
