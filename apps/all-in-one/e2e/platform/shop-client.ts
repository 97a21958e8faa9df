import { randomUUID } from 'node:crypto';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

export interface OrderBody {
  id: string;
  userId: string;
  status: 'placed' | 'confirmed' | 'delivered' | 'rejected' | 'cancelled';
  total: { amount: number; currency: string };
  reason?: string;
}

export interface Line {
  sku: string;
  quantity: number;
}

/** What a client of the gateway does, over real HTTP. */
export class ShopClient {
  constructor(readonly url: string) {}

  async request<T = Record<string, unknown>>(
    method: string,
    path: string,
    { token, body, headers }: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer<T>> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text ? JSON.parse(text) : undefined) as T };
  }

  async logIn(credentials: { email: string; password: string }): Promise<string> {
    const { status, body } = await this.request<{ token: string }>('POST', '/v1/sessions', { body: credentials });
    if (status !== 201) throw new Error(`log in: ${status} ${JSON.stringify(body)}`);
    return body.token;
  }

  /** A new customer, logged in. */
  async customer(name = 'Customer'): Promise<{ id: string; email: string; password: string; token: string }> {
    const credentials = { email: `${randomUUID()}@customers.example`, password: 'a long password' };
    const { status, body } = await this.request<{ id: string }>('POST', '/v1/users', {
      body: { ...credentials, name },
    });
    if (status !== 201) throw new Error(`sign up: ${status} ${JSON.stringify(body)}`);
    return { id: body.id, ...credentials, token: await this.logIn(credentials) };
  }

  async putProduct(
    token: string,
    sku: string,
    { stock, price = 250 }: { stock: number; price?: number },
  ): Promise<void> {
    const body = { name: `Product ${sku}`, price: { amount: price, currency: 'GBP' }, stock };
    const answer = await this.request('PUT', `/v1/products/${sku}`, { token, body });
    if (answer.status !== 201 && answer.status !== 200) throw new Error(`put ${sku}: ${JSON.stringify(answer.body)}`);
  }

  async stock(sku: string): Promise<number> {
    return (await this.request<{ stock: number }>('GET', `/v1/products/${sku}`)).body.stock;
  }

  place(
    token: string,
    lines: readonly Line[],
    { key = randomUUID(), onBehalfOf }: { key?: string; onBehalfOf?: string } = {},
  ): Promise<Answer<OrderBody>> {
    const headers = { 'idempotency-key': key, ...(onBehalfOf && { 'on-behalf-of': onBehalfOf }) };
    return this.request<OrderBody>('POST', '/v1/orders', { token, body: { lines }, headers });
  }

  async order(token: string, id: string): Promise<OrderBody> {
    return (await this.request<OrderBody>('GET', `/v1/orders/${id}`, { token })).body;
  }

  /** The order once it is in one of these states. */
  async settled(
    token: string,
    id: string,
    {
      states = ['delivered', 'rejected', 'cancelled'],
      withinMs = 30_000,
    }: { states?: string[]; withinMs?: number } = {},
  ): Promise<OrderBody> {
    const giveUpAt = Date.now() + withinMs;
    for (;;) {
      const order = await this.order(token, id);
      if (states.includes(order.status)) return order;
      if (Date.now() > giveUpAt) throw new Error(`order ${id} is still ${order.status}, not ${states.join(' or ')}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
