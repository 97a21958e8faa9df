import type { Provider } from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import type { SessionUser } from '@redstart/messages';
import { DrivenSessionStore, InsuredLimiter, RateLimiter, SessionStore } from '@redstart/ports';
import { parseAddresses, RpcCaller, type ServiceContext } from '@redstart/service-kit';
import { isUUID } from 'class-validator';
import { EVENT_STREAMING, ORDER_SERVICE } from '../edge/interface/services.js';
import { LOGIN_LIMITER } from '../limits/interface/limiters.js';
import { RpcSessionRecords } from '../sessions/infrastructure/rpc-session-records.js';
import { AccessGuard } from '../sessions/interface/access.guard.js';
import { SESSION_LIFETIME, type SessionLifetime } from '../sessions/interface/sessions.controller.js';
import { openAdapters } from './adapters.js';
import type { GatewaySettings } from './settings.js';

/** Chooses implementations. */
export async function providersOf(settings: GatewaySettings, context: ServiceContext): Promise<Provider[]> {
  const caller = (name: string, urls: string) =>
    new RpcCaller({ name, addresses: parseAddresses(urls), timeoutMs: settings.RPC_TIMEOUT_MS });
  const orderService = caller('order-service', settings.ORDER_SERVICE_URL);
  const eventStreaming = caller('event-streaming', settings.EVENT_STREAMING_URL);
  const adapters = await openAdapters(settings, context);
  const sessions = new DrivenSessionStore<SessionUser>({
    driver: adapters.sessions,
    records: new RpcSessionRecords(orderService),
    clock: context.clock,
    isUserId: (id) => isUUID(id),
    onFault: (error) => context.logger.warn({ err: error }, 'session'),
  });
  // Connects: else the first requests would find their budget spent on that, and be counted locally.
  await adapters.degraded();
  context.onShutdown('connections', async () => {
    await sessions.close();
    await adapters.close();
    orderService.close();
    eventStreaming.close();
  });
  context.readiness.add('redis', async () => ({
    degraded: (await adapters.degraded()).filter((port) => port === 'session' || port === 'limiter'),
  }));
  context.readiness.add('order-service', async () => (orderService.available ? 'up' : 'degraded'));
  context.readiness.add('event-streaming', async () => (eventStreaming.available ? 'up' : 'degraded'));
  return [
    { provide: ORDER_SERVICE, useValue: orderService },
    { provide: EVENT_STREAMING, useValue: eventStreaming },
    { provide: SessionStore, useValue: sessions },
    {
      provide: SESSION_LIFETIME,
      useValue: {
        idleMs: settings.SESSION_IDLE_MS,
        absoluteMs: settings.SESSION_ABSOLUTE_MS,
      } satisfies SessionLifetime,
    },
    {
      provide: RateLimiter,
      useValue: new InsuredLimiter(adapters.limiter, {
        whenAway: { local: { replicas: settings.GATEWAY_REPLICAS } },
        clock: context.clock,
      }),
    },
    {
      provide: LOGIN_LIMITER,
      useValue: new InsuredLimiter(adapters.limiter, { whenAway: 'closed', clock: context.clock }),
    },
    { provide: APP_GUARD, useFactory: (reflector: Reflector) => new AccessGuard(reflector), inject: [Reflector] },
  ];
}
