import { apiGateway } from '@redstart/api-gateway/module';
import { eventStreaming } from '@redstart/event-streaming/module';
import { MemoryBackend } from '@redstart/memory-adapters';
import { orderService } from '@redstart/order-service/module';
import { requireSettings, startService, type OpenAdapters, type StartedService } from '@redstart/service-kit';

export interface Platform {
  gatewayUrl: string;
  close(): Promise<void>;
}

/** The services in one process: inner ports are ephemeral on loopback, and in memory they share one backend. */
export async function startAll(env: NodeJS.ProcessEnv): Promise<Platform> {
  requireSettings(
    [orderService, eventStreaming, apiGateway].map(({ settings }) => settings),
    env,
  );
  const openAdapters = sharedMemory(env);
  const inner = { ...env, HOST: '127.0.0.1', PORT: '0', RPC_PORT: '0' };
  const started: StartedService[] = [];
  const close = async () => {
    const [gateway, ...others] = started.splice(0).reverse();
    await gateway?.close();
    await Promise.all(others.map((service) => service.close()));
  };
  try {
    const orders = await startService(orderService, { env: inner, openAdapters });
    started.push(orders);
    const events = await startService(eventStreaming, { env: inner, openAdapters });
    started.push(events);
    const gateway = await startService(apiGateway, {
      env: {
        ...env,
        ORDER_SERVICE_URL: `tcp://127.0.0.1:${orders.rpcPort}`,
        EVENT_STREAMING_URL: `tcp://127.0.0.1:${events.rpcPort}`,
      },
      openAdapters,
    });
    started.push(gateway);
    return { gatewayUrl: gateway.httpUrl, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One backend of which each service holds a handle; undefined where a Redis is named. */
function sharedMemory(env: NodeJS.ProcessEnv): OpenAdapters | undefined {
  if (env['REDIS_URL'] !== 'memory:') return undefined;
  const backend = new MemoryBackend();
  return async (settings) => backend.open(settings);
}
