import { randomUUID } from 'node:crypto';
import {
  type Call,
  type Clock,
  type SeededSession,
  type Seeding,
  SessionDriver,
  type SessionKey,
  type SessionLookup,
} from '@redstart/ports';
import { OpenHandle } from '../open-handle.js';

interface Entry {
  ended: boolean;
  body: string;
  idleMs: number;
  throttleMs: number;
  idleUntilMs: number;
  extendedAtMs: number;
  generation: string;
  verifiedAtMs: number;
  endsAtMs: number;
}

interface Generation {
  name: string;
  endsAtMs: number;
}

/** How long a generation is kept for a seeding to come. */
const PREPARED_MS = 60_000;
const SWEEP_EVERY = 1_000;

/** What the session drivers of one backend share. Bounded by the absolute limits of what it holds. */
export class MemorySessions {
  private readonly entries = new Map<string, Entry>();
  private readonly generations = new Map<string, Generation>();
  private writes = 0;

  constructor(private readonly clock: Clock) {}

  get nowMs(): number {
    return this.clock.now();
  }

  entry(at: SessionKey): Entry | undefined {
    return this.living(this.entries, nameOf(at));
  }

  generation(userId: string): Generation | undefined {
    return this.living(this.generations, userId);
  }

  keepEntry(at: SessionKey, entry: Entry): void {
    this.entries.set(nameOf(at), entry);
    this.sweepNowAndThen();
  }

  keepGeneration(userId: string, generation: Generation): void {
    this.generations.set(userId, generation);
    this.sweepNowAndThen();
  }

  /** As FLUSHALL. */
  flush(): void {
    this.entries.clear();
    this.generations.clear();
  }

  private living<V extends { endsAtMs: number }>(map: Map<string, V>, key: string): V | undefined {
    const found = map.get(key);
    if (!found || found.endsAtMs > this.nowMs) return found;
    map.delete(key);
    return undefined;
  }

  private sweepNowAndThen(): void {
    this.writes += 1;
    if (this.writes % SWEEP_EVERY > 0) return;
    for (const key of this.entries.keys()) this.living(this.entries, key);
    for (const key of this.generations.keys()) this.living(this.generations, key);
  }
}

export class MemorySessionDriver extends SessionDriver {
  /** Memory is never cut off. */
  readonly interruptions = 0;
  private readonly handle = new OpenHandle('session');

  constructor(private readonly sessions: MemorySessions) {
    super();
  }

  async read(at: SessionKey, call?: Call): Promise<SessionLookup> {
    this.handle.enter('read', call);
    const { nowMs } = this.sessions;
    const entry = this.sessions.entry(at);
    if (!entry) return { status: 'missing', nowMs };
    if (entry.ended) return { status: 'ended', nowMs };
    if (entry.idleUntilMs <= nowMs) return { status: 'idle', nowMs };
    if (nowMs - entry.extendedAtMs >= entry.throttleMs) {
      entry.extendedAtMs = nowMs;
      entry.idleUntilMs = nowMs + entry.idleMs;
    }
    const current = this.sessions.generation(at.userId)?.name === entry.generation;
    const verifiedAtMs = current ? entry.verifiedAtMs : 0;
    return { status: 'active', nowMs, body: entry.body, idleRemainingMs: entry.idleUntilMs - nowMs, verifiedAtMs };
  }

  async prepare(userId: string, call?: Call): Promise<{ generation: string; nowMs: number }> {
    this.handle.enter('prepare', call);
    const { nowMs } = this.sessions;
    const known = this.sessions.generation(userId);
    const name = known?.name ?? randomUUID();
    this.sessions.keepGeneration(userId, { name, endsAtMs: Math.max(known?.endsAtMs ?? 0, nowMs + PREPARED_MS) });
    return { generation: name, nowMs };
  }

  async seed(at: SessionKey, session: SeededSession, call?: Call): Promise<Seeding> {
    this.handle.enter('seed', call);
    const { nowMs } = this.sessions;
    const { remainingMs, ...kept } = session;
    const entry = this.sessions.entry(at);
    if (entry && (entry.ended || entry.idleUntilMs <= nowMs)) return { status: 'ended' };
    const generation = this.sessions.generation(at.userId);
    if (generation?.name !== session.generation) return { status: 'superseded' };
    const endsAtMs = nowMs + remainingMs;
    const idle = entry ?? { idleUntilMs: nowMs + session.idleMs, extendedAtMs: nowMs };
    const { idleUntilMs, extendedAtMs } = idle;
    this.sessions.keepEntry(at, { ...kept, ended: false, idleUntilMs, extendedAtMs, endsAtMs });
    generation.endsAtMs = Math.max(generation.endsAtMs, endsAtMs);
    return { status: 'seeded', idleRemainingMs: idleUntilMs - nowMs };
  }

  async end(at: SessionKey, call?: Call): Promise<void> {
    this.handle.enter('end', call);
    const entry = this.sessions.entry(at);
    if (entry) Object.assign(entry, { ended: true, body: '' });
    else this.replaceGeneration(at.userId);
  }

  async endAll(userId: string, call?: Call): Promise<void> {
    this.handle.enter('endAll', call);
    this.replaceGeneration(userId);
  }

  /** A second call does nothing; every other call rejects from now on. */
  async close(): Promise<void> {
    this.handle.close();
  }

  private replaceGeneration(userId: string): void {
    const generation = this.sessions.generation(userId);
    if (generation) generation.name = randomUUID();
  }
}

function nameOf(at: SessionKey): string {
  return `${at.userId} ${at.tokenHash}`;
}
