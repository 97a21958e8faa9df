import { type Redis } from 'ioredis';
import { end } from './end.js';

export interface Subscription {
  /** Resolves once the server has confirmed, or the subscription has ended. Never rejects: bound your wait for it. */
  readonly confirmed: Promise<void>;
  /** Ends it. A second call does nothing. */
  close(): void;
}

interface Entry {
  listener: (message: string) => void;
  onResubscribed: (() => void) | undefined;
  confirm: () => void;
  wasConfirmed: boolean;
}

/** The connection that listens, opened at the first subscription. Resubscribes by itself after a cut. */
export class Subscriber {
  private redis: Redis | undefined;
  private readonly channels = new Map<string, Set<Entry>>();

  constructor(
    private readonly options: {
      open: () => Redis;
      /** Of the connection. */
      onTrouble: (error: unknown) => void;
      /** Of a listener. */
      onFault: (error: unknown) => void;
    },
  ) {}

  subscribe(channel: string, listener: (message: string) => void, onResubscribed?: () => void): Subscription {
    const redis = this.opened();
    let confirm: () => void = () => undefined;
    const confirmed = new Promise<void>((resolve) => (confirm = resolve));
    const entry: Entry = { listener, onResubscribed, confirm, wasConfirmed: false };
    const entries = this.channels.get(channel) ?? new Set();
    entries.add(entry);
    this.channels.set(channel, entries);
    if (redis.status === 'ready') this.send(redis, channel);
    return {
      confirmed,
      close: () => {
        confirm();
        entries.delete(entry);
        if (entries.size > 0 || this.channels.get(channel) !== entries) return;
        this.channels.delete(channel);
        // Not confirmed by anyone: a message that still arrives finds no listener.
        if (redis.status === 'ready') redis.sunsubscribe(channel).catch(() => undefined);
      },
    };
  }

  /** A round trip, when there is a connection. A silent one is dropped by its socket time-out. */
  async ping(): Promise<void> {
    if (this.redis?.status === 'ready') await this.redis.ping();
  }

  async close(): Promise<void> {
    for (const entries of this.channels.values()) for (const entry of entries) entry.confirm();
    this.channels.clear();
    if (this.redis) await end(this.redis);
  }

  private opened(): Redis {
    if (this.redis) return this.redis;
    const redis = this.options.open();
    this.redis = redis;
    redis.on('error', this.options.onTrouble);
    redis.on('ready', () => {
      for (const channel of this.channels.keys()) this.send(redis, channel);
    });
    redis.on('smessage', (channel: string, message: string) => {
      for (const entry of [...(this.channels.get(channel) ?? [])]) this.tell(() => entry.listener(message));
    });
    redis.connect().catch(() => undefined);
    return redis;
  }

  private tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.options.onFault(error);
    }
  }

  private send(redis: Redis, channel: string): void {
    redis.ssubscribe(channel).then(
      () => this.confirmed(channel),
      // Cut meanwhile: the next 'ready' subscribes again.
      (error) => this.options.onTrouble(error),
    );
  }

  private confirmed(channel: string): void {
    for (const entry of [...(this.channels.get(channel) ?? [])]) {
      const again = entry.wasConfirmed;
      entry.wasConfirmed = true;
      entry.confirm();
      if (again) this.tell(() => entry.onResubscribed?.());
    }
  }
}
