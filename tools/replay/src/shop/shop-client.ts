import type { PlannedProduct, OrderedLine } from '../plan/plan.js';

export interface ShopOrder {
  id: string;
  status: 'placed' | 'confirmed' | 'delivered' | 'rejected' | 'cancelled';
}

/** The shop refused, or could not be asked for too long. */
export class ShopError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface ShopOptions {
  url: string;
  email: string;
  password: string;
  /** How long one request is tried again while the shop is busy, restarting or away. */
  patienceMs: number;
}

const REQUEST_TIMEOUT_MS = 30_000;
const FIRST_WAIT_MS = 200;
const MAX_WAIT_MS = 5000;

/** The shop's HTTP interface as an administrator uses it. Every request may be sent again: an order has its key. */
export class ShopClient {
  private token: Promise<string> | undefined;

  constructor(private readonly options: ShopOptions) {}

  async putProduct({ sku, name, price }: PlannedProduct, stock: number): Promise<void> {
    const body = { name, price: { amount: price, currency: 'GBP' }, stock };
    await this.asAdmin('PUT', `/v1/products/${encodeURIComponent(sku)}`, { body });
  }

  /** The user of that e-mail address, made where there is none. */
  async ensureUser(user: { email: string; name: string; password: string }): Promise<string> {
    const find = async () => {
      const { items } = await this.asAdmin<{ items: { id: string }[] }>(
        'GET',
        `/v1/users?email=${encodeURIComponent(user.email)}`,
      );
      return items[0]?.id;
    };
    const known = await find();
    if (known) return known;
    try {
      return (await this.asAdmin<{ id: string }>('POST', '/v1/users', { body: user })).id;
    } catch (error) {
      // Made meanwhile: by the attempt before, whose answer was lost, or by another replay.
      const made = error instanceof ShopError && error.status === 409 ? await find() : undefined;
      if (made) return made;
      throw error;
    }
  }

  placeOrder(order: { userId: string; idempotencyKey: string; lines: readonly OrderedLine[] }): Promise<ShopOrder> {
    return this.asAdmin('POST', '/v1/orders', {
      body: { lines: order.lines },
      headers: { 'on-behalf-of': order.userId, 'idempotency-key': order.idempotencyKey },
    });
  }

  cancelOrder(id: string): Promise<ShopOrder> {
    return this.asAdmin('POST', `/v1/orders/${id}/cancel`, { body: { reason: 'CANCELLATION_INVOICE' } });
  }

  order(id: string): Promise<ShopOrder> {
    return this.asAdmin('GET', `/v1/orders/${id}`);
  }

  private async asAdmin<T>(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<T> {
    const send = async () => {
      this.token ??= this.logIn();
      const token = this.token;
      try {
        const authorization = `Bearer ${await token}`;
        return await this.request<T>(method, path, { body, headers: { ...headers, authorization } });
      } catch (error) {
        if (error instanceof ShopError && error.status === 401 && this.token === token) this.token = undefined;
        throw error;
      }
    };
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ShopError) || error.status !== 401) throw error;
      return send(); // the session had ended; this time with a new one
    }
  }

  private async logIn(): Promise<string> {
    const { email, password } = this.options;
    try {
      return (await this.request<{ token: string }>('POST', '/v1/sessions', { body: { email, password } })).token;
    } catch (error) {
      if (error instanceof ShopError && error.status === 401) {
        throw new ShopError(403, `the shop does not know the administrator ${email} with that password`);
      }
      throw error;
    }
  }

  /** Again after a growing wait while the answer is "later" (429, 503) or there is none. */
  private async request<T>(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> },
  ): Promise<T> {
    const giveUpAt = performance.now() + this.options.patienceMs;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(MAX_WAIT_MS, 2 * waitMs)) {
      let later: { reason: string; afterMs: number; status: number };
      try {
        const answer = await fetch(`${this.options.url}${path}`, {
          method,
          headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        });
        const text = await answer.text();
        if (answer.ok) return JSON.parse(text) as T;
        const reason = `${method} ${path}: ${answer.status} ${detailOf(text)}`;
        const retryable = answer.status === 429 || answer.status >= 500 || inFlight(answer.status, text);
        if (!retryable) throw new ShopError(answer.status, reason);
        later = { reason, afterMs: 1000 * Number(answer.headers.get('retry-after') ?? 0), status: answer.status };
      } catch (error) {
        if (error instanceof ShopError) throw error;
        const { cause, message } = error as Error;
        const reason = `${method} ${this.options.url}${path}: ${(cause as Error | undefined)?.message ?? message}`;
        later = { reason, afterMs: 0, status: 0 };
      }
      const pauseMs = Math.max(later.afterMs, waitMs * (0.5 + Math.random() / 2));
      if (performance.now() + pauseMs > giveUpAt) throw new ShopError(later.status, later.reason);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

const inFlight = (status: number, text: string) => status === 409 && text.includes('IDEMPOTENCY_KEY_IN_FLIGHT');

function detailOf(text: string): string {
  try {
    const { code, detail } = JSON.parse(text) as { code?: string; detail?: string };
    return `${code ?? ''} ${detail ?? ''}`.trim();
  } catch {
    return text.slice(0, 200);
  }
}
