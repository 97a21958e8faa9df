import type { DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Adapters, AdapterSettings, Clock } from '@redstart/ports';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import type { CommonSettings } from '../settings/common-settings.js';
import type { MapError } from '../http/problem-filter.js';
import type { Readiness } from '../health/readiness.js';
import type { ShutdownPhase } from '../shutdown/shutdown.js';

/** Opens the ports. all-in-one hands each service its handle of the one memory backend. */
export type OpenAdapters = (settings: AdapterSettings) => Promise<Adapters>;

/** What a service is given; nothing of it is shared with another service of the same process. */
export interface ServiceContext {
  clock: Clock;
  logger: Logger;
  readiness: Readiness;
  metrics: Registry;
  /** Set where the process already has a backend; else the URL decides. */
  openAdapters?: OpenAdapters;
  onShutdown(phase: ShutdownPhase, step: () => Promise<unknown> | unknown): void;
}

/** A service, as its `module.ts` exports it. */
export interface ServiceDefinition<Schema extends z.ZodObject = z.ZodObject> {
  name: string;
  /** Holds at least `commonSettings`. */
  settings: Schema;
  /** Whether it answers RPC on RPC_PORT. */
  rpc: boolean;
  module(settings: z.infer<Schema>, context: ServiceContext): Promise<DynamicModule> | DynamicModule;
  /** The service's own errors as problems; what every service knows (faults, other services' refusals) is added. */
  problems?: MapError;
  /** Pipes, guards and plug-ins of the HTTP side. */
  configure?(app: NestFastifyApplication, settings: z.infer<Schema>, context: ServiceContext): Promise<void> | void;
  /** Bytes of the largest body. Default 1 MiB. */
  bodyLimit?: number;
  /** Whether `X-Forwarded-For` is believed. */
  trustProxy?(settings: z.infer<Schema>): boolean | string;
}

export type BaseSettings = CommonSettings;
