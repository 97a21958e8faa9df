import { randomUUID } from 'node:crypto';
import type { ShopClient } from './shop-client.js';

export interface Accepted {
  id: string;
  token: string;
  quantity: number;
  /** Epoch ms of the 201. */
  at: number;
  /** How often the same key was sent. */
  tries: number;
}

export interface Buyer {
  token: string;
}

const PAUSE_MS = 300;
const RETRY_MS = 250;

/** Buyers who place one order after the other, each tried with its key until it is accepted, until they are stopped. */
export class Traffic {
  readonly accepted: Accepted[] = [];
  /** Answers that were neither an acceptance nor "try again": there should be none. */
  readonly refused: string[] = [];
  private stopping = false;
  private readonly buyers: Promise<void>[];

  constructor(
    private readonly shop: ShopClient,
    private readonly sku: string,
    buyers: readonly Buyer[],
  ) {
    this.buyers = buyers.map(({ token }) => this.buy(token));
  }

  /** Resolves when at least `more` further orders have been accepted. */
  async accept(more: number, withinMs = 60_000): Promise<void> {
    const target = this.accepted.length + more;
    const giveUpAt = Date.now() + withinMs;
    while (this.accepted.length < target) {
      if (Date.now() > giveUpAt) throw new Error(`only ${this.accepted.length} of ${target} orders were accepted`);
      await sleep(50);
    }
  }

  /** Orders under way are still brought to an end. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.buyers);
  }

  private async buy(token: string): Promise<void> {
    await sleep(Math.random() * PAUSE_MS);
    while (!this.stopping) {
      const quantity = 1 + Math.floor(Math.random() * 3);
      const key = randomUUID();
      for (let tries = 1; ; tries += 1) {
        const answer = await this.shop.place(token, [{ sku: this.sku, quantity }], { key }).catch(() => undefined);
        if (answer?.status === 201) {
          this.accepted.push({ id: answer.body.id, token, quantity, at: Date.now(), tries });
          break;
        }
        if (answer && answer.status !== 503 && answer.status !== 409 && answer.status !== 429) {
          this.refused.push(`${answer.status} ${JSON.stringify(answer.body)}`);
          break;
        }
        await sleep(RETRY_MS);
      }
      await sleep(PAUSE_MS);
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
