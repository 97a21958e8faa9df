import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryBackend } from '@redstart/memory-adapters';
import {
  deliveriesStream,
  leaderboardsRpc,
  notificationsRpc,
  ordersStream,
  type Notification,
} from '@redstart/messages';
import { SystemClock, type Adapters } from '@redstart/ports';
import { eventually } from '@redstart/ports/contracts';
import { RpcCaller, startService, type RpcProblemError, type StartedService } from '@redstart/service-kit';
import { startPostgres, type PostgresServer } from '@redstart/test-servers';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventStreaming } from './module.js';
import { SampleOrder } from './orders/domain/sample-order.fixture.js';

describe('event-streaming', () => {
  let dataDir: string;
  let postgres: PostgresServer;
  let backend: MemoryBackend;
  let events: Adapters;
  let service: StartedService;
  let caller: RpcCaller;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'event-streaming-'));
    postgres = await startPostgres();
    backend = new MemoryBackend();
    events = backend.open({ timeoutMs: 500, clock: new SystemClock() });
    service = await start();
    caller = new RpcCaller({
      name: 'event-streaming',
      addresses: [{ host: '127.0.0.1', port: service.rpcPort }],
      timeoutMs: 5000,
    });
  });
  afterEach(async () => {
    caller.close();
    await service.close();
    await events.close();
    await postgres.remove();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = (env: Record<string, string> = {}) =>
    startService(eventStreaming, {
      env: {
        REDIS_URL: 'memory:',
        DATABASE_URL: postgres.url,
        DATA_DIR: dataDir,
        PORT: '0',
        LOG_LEVEL: 'silent',
        DELIVERY_DELAY_MS: '0',
        ...env,
      },
      openAdapters: async (settings) => backend.open(settings),
    });
  const append = (...given: ReturnType<SampleOrder['event']>[]) => events.stream.append(ordersStream, given);
  const notifications = async (userId: string, page: { cursor?: string; limit: number } = { limit: 10 }) =>
    caller.call(notificationsRpc.list, { userId, ...page });
  const typesOf = (items: Notification[]) => items.map(({ type }) => type);

  it('reacts to an order’s events once and in order, and says when the parcel has arrived', async () => {
    const order = new SampleOrder();
    const [placed, confirmed] = [order.event('placed'), order.event('confirmed')];
    await append(placed, confirmed);
    await eventually(async () => {
      expect(typesOf((await notifications(order.customer.id)).items)).toEqual(['order.confirmed.v1']);
    });
    // As after a rewind of the relay: the same events once more, as others of the stream.
    await events.stream.append(ordersStream, [placed, confirmed], {
      sequenced: { producer: 'again', partition: events.stream.partitionOf(ordersStream, order.id), firstPosition: 1 },
    });
    await append(order.event('delivered'));
    await eventually(async () => {
      expect(typesOf((await notifications(order.customer.id)).items)).toEqual([
        'order.delivered.v1',
        'order.confirmed.v1',
      ]);
    });
    await eventually(async () => {
      const { items } = await caller.call(leaderboardsRpc.top, { name: 'spend', limit: 10, window: 'all' });
      expect(items).toEqual([{ rank: 1, userId: order.customer.id, name: 'First Customer', score: 1530 }]);
    });
    await eventually(async () => {
      const read: string[] = [];
      const partition = events.stream.partitionOf(deliveriesStream, order.id);
      for await (const entry of events.stream.read(deliveriesStream, { partition })) {
        if ('event' in entry) read.push(entry.event.type);
      }
      expect(read).toEqual(['delivery.completed.v1']);
    });
  });

  it('does not take up again what was cancelled, when the events before come once more', async () => {
    const order = new SampleOrder();
    const past = [order.event('placed'), order.event('confirmed')];
    await append(...past, order.event('cancelled'));
    await events.stream.append(ordersStream, past, {
      sequenced: { producer: 'again', partition: events.stream.partitionOf(ordersStream, order.id), firstPosition: 1 },
    });
    // The next of the same order: once it is seen, so are those before it.
    await append(order.event('delivered'));
    await eventually(async () => {
      expect(typesOf((await notifications(order.customer.id)).items)[0]).toBe('order.delivered.v1');
    });
    await eventually(async () => {
      const { items } = await caller.call(leaderboardsRpc.top, { name: 'spend', limit: 10, window: 'all' });
      expect(items).toEqual([]);
    });
  });

  it('holds events while PostgreSQL is away, and parks none of them', async () => {
    const order = new SampleOrder();
    await postgres.pause();
    await append(order.event('placed'), order.event('confirmed'));
    const ready = await fetch(`${service.httpUrl}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ down: ['postgres'] });
    await postgres.resume();
    await eventually(async () => expect((await notifications(order.customer.id)).items).toHaveLength(1));
    expect(await events.stream.parked(ordersStream, 'event-streaming', { limit: 10 })).toEqual([]);
  });

  it('gives notifications in pages, newest first', async () => {
    const order = new SampleOrder();
    await append(order.event('confirmed'), order.event('delivered'), order.event('cancelled'));
    await eventually(async () => expect((await notifications(order.customer.id)).items).toHaveLength(3));
    const first = await notifications(order.customer.id, { limit: 2 });
    expect(typesOf(first.items)).toEqual(['order.cancelled.v1', 'order.delivered.v1']);
    const second = await notifications(order.customer.id, { limit: 2, cursor: first.nextCursor });
    expect(typesOf(second.items)).toEqual(['order.confirmed.v1']);
    expect(second.nextCursor).toBeUndefined();
  });

  it('stops in time though the mail server does not answer, and hands the mail back', async () => {
    await service.close();
    let connectedMs: number | undefined;
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => {
      connectedMs ??= performance.now();
      sockets.add(socket.on('error', () => undefined));
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    try {
      service = await start({ SMTP_URL: `smtp://127.0.0.1:${(silent.address() as AddressInfo).port}` });
      await append(new SampleOrder().event('confirmed'));
      await eventually(async () => expect(connectedMs).toBeDefined());
      await service.close();
      // A process has 10 s to stop; it would take as long only to give up on a greeting.
      expect(performance.now() - connectedMs!).toBeLessThan(9_000);
    } finally {
      sockets.forEach((socket) => socket.destroy());
      silent.close();
    }
    service = await start();
    const folder = join(dataDir, 'mail');
    await eventually(async () => expect(readdirSync(folder)).toHaveLength(1));
  });

  it('refuses what is not of the agreed form, and a board that is not there', async () => {
    const { customer } = new SampleOrder();
    const top = { name: 'spend', limit: 10, window: 'all' as const };
    const refusal = (call: Promise<unknown>) =>
      call.then(
        () => 'none',
        (error: RpcProblemError) => error.problem,
      );
    const malformed = (field: string) =>
      expect.objectContaining({ status: 400, code: 'MALFORMED', errors: [expect.objectContaining({ field })] });
    expect(await refusal(notifications('nobody', { limit: 10 }))).toEqual(malformed('userId'));
    expect(await refusal(notifications(customer.id, { limit: 0 }))).toEqual(malformed('limit'));
    expect(await refusal(notifications(customer.id, { limit: 10, cursor: 'x' }))).toEqual(malformed('cursor'));
    expect(await refusal(caller.call(leaderboardsRpc.top, { ...top, limit: 101 }))).toEqual(malformed('limit'));
    expect(await refusal(caller.call(leaderboardsRpc.top, { ...top, window: 'year' as 'all' }))).toEqual(
      malformed('window'),
    );
    expect(await refusal(caller.call(leaderboardsRpc.top, { ...top, name: 'other' }))).toEqual(
      expect.objectContaining({ status: 404, code: 'UNKNOWN_LEADERBOARD' }),
    );
  });
});
