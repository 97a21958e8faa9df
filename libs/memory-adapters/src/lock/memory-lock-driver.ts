import { type Call, type Clock, LockDriver, type LockTaken } from '@redstart/ports';
import { OpenHandle } from '../open-handle.js';

interface Held {
  token: string;
  fence: number;
  expiresAt: number;
}

const FENCE_LIFE_MS = 24 * 60 * 60 * 1_000;

/** What the lock drivers of one backend share. Instants are epoch milliseconds. */
export class MemoryLocks {
  readonly held = new Map<string, Held>();
  private readonly fences = new Map<string, { last: number; expiresAt: number }>();
  private sweepAtSize = 128;

  nextFence(resource: string, now: number): number {
    const fence = Math.max((this.fences.get(resource)?.last ?? 0) + 1, now * 1_000);
    // Put at the end: all live equally long, so the first ones are always the next to go.
    this.fences.delete(resource);
    this.fences.set(resource, { last: fence, expiresAt: now + FENCE_LIFE_MS });
    for (const [name, { expiresAt }] of this.fences) {
      if (expiresAt > now) break;
      this.fences.delete(name);
    }
    return fence;
  }

  hold(resource: string, held: Held, now: number): void {
    this.held.set(resource, held);
    if (this.held.size < this.sweepAtSize) return;
    for (const [name, { expiresAt }] of this.held) if (expiresAt <= now) this.held.delete(name);
    this.sweepAtSize = Math.max(128, 2 * this.held.size);
  }
}

export class MemoryLockDriver extends LockDriver {
  private readonly handle = new OpenHandle('lock');

  constructor(
    private readonly locks: MemoryLocks,
    private readonly clock: Clock,
  ) {
    super();
  }

  async take(resource: string, token: string, ttlMs: number, call?: Call): Promise<LockTaken> {
    this.handle.enter('acquire', call);
    const now = this.clock.now();
    const held = this.holder(resource, now);
    if (held && held.token !== token) return { status: 'busy', remainingMs: held.expiresAt - now };
    const fence = held?.fence ?? this.locks.nextFence(resource, now);
    this.locks.hold(resource, { token, fence, expiresAt: now + ttlMs }, now);
    return { status: 'taken', fence };
  }

  async renew(resource: string, token: string, ttlMs: number, call?: Call): Promise<'renewed' | 'lost'> {
    this.handle.enter('extend', call);
    const now = this.clock.now();
    const held = this.holder(resource, now);
    if (held?.token !== token) return 'lost';
    held.expiresAt = now + ttlMs;
    return 'renewed';
  }

  async release(resource: string, token: string, call?: Call): Promise<'released' | 'lost'> {
    this.handle.enter('release', call);
    if (this.holder(resource, this.clock.now())?.token !== token) return 'lost';
    this.locks.held.delete(resource);
    return 'released';
  }

  close(): void {
    this.handle.close();
  }

  private holder(resource: string, now: number): Held | undefined {
    const held = this.locks.held.get(resource);
    return held && held.expiresAt > now ? held : undefined;
  }
}
