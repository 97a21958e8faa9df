import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SystemClock } from '@redstart/ports';
import { LogController, type FastifyInstance } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { Registry, collectDefaultMetrics } from 'prom-client';
import type { z } from 'zod';
import { addHealthRoutes } from '../health/health-routes.js';
import { Readiness } from '../health/readiness.js';
import { answerClientError, answerFrameworkError } from '../http/fastify-errors.js';
import { addHttpMetrics } from '../http/http-metrics.js';
import { ProblemFilter } from '../http/problem-filter.js';
import { createLogger } from '../log/logger.js';
import { NestLogger } from '../log/nest-logger.js';
import { RpcProblemFilter } from '../rpc/rpc-problem-filter.js';
import { RpcServer } from '../rpc/rpc-server.js';
import { readSettings } from '../settings/read-settings.js';
import { Shutdown } from '../shutdown/shutdown.js';
import type { BaseSettings, OpenAdapters, ServiceContext, ServiceDefinition } from './service-definition.js';

export interface StartedService {
  httpUrl: string;
  /** 0 where the service answers no RPC. */
  rpcPort: number;
  /** Takes no more, finishes or hands back what it holds, then closes. A second call waits for the first. */
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
/** What was begun may take so long at the end; a call between services has less time. */
const DRAIN_MS = 4000;

/**
 * Starts one service in this process. Port 0 is an ephemeral one.
 * @throws SettingsError, or what the service's module throws; nothing is left running then
 */
export async function startService<Schema extends z.ZodObject>(
  definition: ServiceDefinition<Schema>,
  options: {
    env: NodeJS.ProcessEnv;
    openAdapters?: OpenAdapters;
    /** How long requests that have begun may take after `close`, ms; then they are cut off. Default 4000. */
    drainMs?: number;
  },
): Promise<StartedService> {
  const settings = readSettings(definition.settings, options.env);
  const common = settings as unknown as BaseSettings;
  const logger = createLogger({ name: definition.name, level: common.LOG_LEVEL });
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const shutdown = new Shutdown();
  const context: ServiceContext = {
    clock: new SystemClock(),
    logger,
    readiness: new Readiness(),
    metrics,
    openAdapters: options.openAdapters,
    onShutdown: (phase, step) => shutdown.on(phase, step),
  };
  const onError = (error: unknown) => logger.error({ err: error }, 'while shutting down');
  const drainMs = options.drainMs ?? DRAIN_MS;
  let app: NestFastifyApplication | undefined;
  const closeAll = async () => {
    await shutdown.run('work', onError);
    if (app) await closeEdges(app, drainMs).catch(onError);
    await shutdown.run('connections', onError);
  };
  try {
    app = await NestFactory.create<NestFastifyApplication>(
      await definition.module(settings, context),
      new FastifyAdapter({
        loggerInstance: logger,
        logController: new LogController({ disableRequestLogging: true }),
        bodyLimit: definition.bodyLimit ?? MIB,
        requestTimeout: REQUEST_TIMEOUT_MS,
        trustProxy: definition.trustProxy?.(settings) ?? false,
        genReqId: () => randomUUID(),
        forceCloseConnections: 'idle',
        // What still comes over an open connection while the service ends is answered, and the connection closed.
        return503OnClosing: false,
        frameworkErrors: answerFrameworkError,
        clientErrorHandler: answerClientError,
      }),
      // Fastify's own parsers: JSON, and nothing that a form of another site could send.
      { logger: new NestLogger(logger), abortOnError: false, bodyParser: false },
    );
    const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
    fastify.removeContentTypeParser('text/plain');
    addHttpMetrics(fastify, metrics);
    addHealthRoutes(fastify, { readiness: context.readiness, metrics });
    app.useGlobalFilters(new ProblemFilter(logger, definition.problems));
    await definition.configure?.(app, settings, context);
    const rpcPort = definition.rpc
      ? await listenRpc(app, common, { filter: new RpcProblemFilter(logger, definition.problems), drainMs })
      : 0;
    await app.listen(common.PORT, common.HOST);
    const address = app.getHttpServer().address() as { port: number };
    let closing: Promise<void> | undefined;
    return {
      httpUrl: `http://${common.HOST.includes(':') ? `[${common.HOST}]` : common.HOST}:${address.port}`,
      rpcPort,
      close: () => (closing ??= closeAll()),
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Both ends answer what they have begun; a client that does not end its request, or read its answer, is cut off. */
async function closeEdges(app: NestFastifyApplication, drainMs: number): Promise<void> {
  const server = app.getHttpServer() as HttpServer;
  const late = setTimeout(() => server.closeAllConnections(), drainMs);
  try {
    await app.close();
  } finally {
    clearTimeout(late);
  }
}

async function listenRpc(
  app: NestFastifyApplication,
  settings: BaseSettings,
  { filter, drainMs }: { filter: RpcProblemFilter; drainMs: number },
): Promise<number> {
  const port = settings.RPC_PORT ?? (settings.PORT === 0 ? 0 : settings.PORT + 1);
  const microservice = app.connectMicroservice(
    { strategy: new RpcServer({ host: settings.HOST, port, drainMs }) },
    { deferInitialization: true }, // else its handlers are bound before the filter is there
  );
  microservice.useGlobalFilters(filter);
  await app.startAllMicroservices();
  return (microservice.unwrap<Server>().address() as { port: number }).port;
}
