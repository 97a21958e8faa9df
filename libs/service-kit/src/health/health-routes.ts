import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { Readiness } from './readiness.js';

/** `/health/live`, `/health/ready` (503 only when something is down) and `/metrics`, outside every prefix and guard. */
export function addHealthRoutes(fastify: FastifyInstance, parts: { readiness: Readiness; metrics: Registry }): void {
  fastify.get('/health/live', () => ({ status: 'live' }));
  fastify.get('/health/ready', async (_request, reply) => {
    const report = await parts.readiness.report();
    return reply.code(report.status === 'down' ? 503 : 200).send(report);
  });
  fastify.get('/metrics', async (_request, reply) =>
    reply.header('content-type', parts.metrics.contentType).send(await parts.metrics.metrics()),
  );
}
