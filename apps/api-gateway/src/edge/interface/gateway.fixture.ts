import type { Adapters } from '@redstart/ports';
import { faulty } from '@redstart/ports/contracts';
import { startService, type StartedService } from '@redstart/service-kit';
import { randomUUID } from 'node:crypto';
import { apiGateway } from '../../module.js';
import { orderServiceStandIn } from './order-service.fixture.js';

const env = { REDIS_URL: 'memory:', PORT: '0', LOG_LEVEL: 'silent', TRUST_PROXY: 'on' };

export interface Asked {
  token?: string;
  /** Sent as it is where it is a string or bytes, else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Answered {
  status: number;
  headers: Headers;
  body: Record<string, string>;
}

export interface SignedUp {
  email: string;
  password: string;
  token: string;
}

export interface OpenGateway {
  url: string;
  orderService: StartedService;
  /** Makes the limiter's backend fail. */
  limiterTrouble: { failRate: number };
  ask(method: string, path: string, asked?: Asked): Promise<Answered>;
  signUp(role?: 'customer' | 'admin'): Promise<SignedUp>;
  close(): Promise<void>;
}

/** The real gateway on memory adapters, before a stand-in of order-service; event-streaming is away. Tests only. */
export async function openGateway(): Promise<OpenGateway> {
  const limiterTrouble = { failRate: 0 };
  const { MemoryBackend } = await import('@redstart/memory-adapters');
  const backend = new MemoryBackend();
  const orderService = await startService(orderServiceStandIn, { env });
  const gateway = await startService(apiGateway, {
    env: {
      ...env,
      ORDER_SERVICE_URL: `tcp://127.0.0.1:${orderService.rpcPort}`,
      EVENT_STREAMING_URL: 'tcp://127.0.0.1:9',
    },
    openAdapters: async (settings): Promise<Adapters> => {
      const adapters = backend.open(settings);
      return Object.assign(Object.create(adapters) as Adapters, { limiter: faulty(adapters.limiter, limiterTrouble) });
    },
  });

  const ask = async (method: string, path: string, { token, body, headers }: Asked = {}): Promise<Answered> => {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const answer = await fetch(`${gateway.httpUrl}${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: raw ? (body as string) : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : {} };
  };

  const signUp = async (role = 'customer') => {
    const credentials = { email: `${role}-${randomUUID()}@customers.example`, password: 'a long password' };
    await ask('POST', '/v1/users', { body: { ...credentials, name: 'Customer' } });
    const { body } = await ask('POST', '/v1/sessions', { body: credentials });
    return { ...credentials, token: body['token']! };
  };

  const close = async () => {
    await gateway.close();
    await orderService.close();
  };
  return { url: gateway.httpUrl, orderService, limiterTrouble, ask, signUp, close };
}
