import { type Clock, type Timer } from '@redstart/ports';
import { Client, type ClientConfig } from 'pg';

export interface ListenerSettings {
  channel: string;
  config: () => Promise<ClientConfig>;
  clock: Clock;
  onRing: (partitions: readonly number[]) => void;
  /** Connected, for the first time or again: rings may have been missed. */
  onConnected: () => void;
  onFault: (error: unknown) => void;
}

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5000;

/** One connection that LISTENs, and reconnects. A connection that died in silence costs only that polling takes over. */
export class OutboxListener {
  #client: Client | undefined;
  #retry: Timer | undefined;
  #failures = 0;
  #stopped = false;

  constructor(private readonly settings: ListenerSettings) {
    void this.#connect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const { channel, config, onRing, onConnected } = this.settings;
    try {
      const client = new Client({ ...(await config()), keepAlive: true });
      if (this.#stopped) return;
      this.#client = client;
      client.on('error', (error) => this.#lost(client, error));
      client.on('end', () => this.#lost(client, undefined));
      client.on('notification', ({ payload = '' }) => onRing(payload.split(',').map(Number)));
      await client.connect();
      await client.query(`listen "${channel}"`);
      this.#failures = 0;
      onConnected();
    } catch (error) {
      this.#lost(this.#client, error);
    }
  }

  #lost(client: Client | undefined, error: unknown): void {
    // 'error' and 'end' both tell of one loss.
    if (this.#stopped || this.#retry || client !== this.#client) return;
    this.#client = undefined;
    void client?.end().catch(() => undefined);
    if (error) this.settings.onFault(error);
    this.#failures += 1;
    const limit = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failures);
    this.#retry = this.settings.clock.after(limit / 2 + (Math.random() * limit) / 2, () => {
      this.#retry = undefined;
      void this.#connect();
    });
  }
}
