import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Post, type DynamicModule } from '@nestjs/common';
import { rpc } from '@redstart/messages';
import { TimeoutFault, UnavailableFault } from '@redstart/ports';
import { connect, createServer } from 'node:net';
import { z } from 'zod';
import { RpcCaller } from '../rpc/rpc-caller.js';
import { RpcHandler } from '../rpc/rpc-handler.js';
import { RpcProblemError } from '../rpc/rpc-problem-error.js';
import { commonSettings } from '../settings/common-settings.js';
import type { ServiceDefinition } from './service-definition.js';
import { startService, type StartedService } from './start-service.js';

const double = rpc<{ value: number }, { value: number }>().as('double');
const refuse = rpc<object, object>().as('refuse');
const crash = rpc<object, object>().as('crash');
const hang = rpc<object, object>().as('hang');
const slow = rpc<object, object>().as('slow');

/** What is slow waits here until the test lets it go. */
let finishSlow: () => void = () => {};
let slowIsFinished: Promise<void>;
const reached = { slow: () => {} };

@Controller()
class SampleController {
  @Get('boom')
  boom(): never {
    throw new Error('a secret detail');
  }

  @Post('echo')
  echo(): object {
    return {};
  }

  @RpcHandler(double)
  double({ value }: { value: number }): { value: number } {
    return { value: value * 2 };
  }

  @RpcHandler(refuse)
  refuse(): object {
    throw new RpcProblemError({ status: 422, code: 'UNKNOWN_SKU', detail: 'there is no product "X"' });
  }

  @RpcHandler(crash)
  crash(): object {
    throw new Error('a secret detail');
  }

  @Get('slow')
  @RpcHandler(slow)
  async slow(): Promise<object> {
    reached.slow();
    await slowIsFinished;
    return { done: true };
  }

  @RpcHandler(hang)
  hang(): Promise<object> {
    return new Promise(() => undefined);
  }
}

@Module({})
class SampleModule {}

const phases: string[] = [];
const settings = z.object(commonSettings({ port: 0 }));
const definition: ServiceDefinition<typeof settings> = {
  name: 'sample',
  settings,
  rpc: true,
  module: (_settings, context): DynamicModule => {
    context.onShutdown('connections', () => phases.push('connections'));
    context.onShutdown('work', () => phases.push('work'));
    return { module: SampleModule, controllers: [SampleController] };
  },
  problems: () => undefined,
};
const env = { REDIS_URL: 'memory:', PORT: '0', LOG_LEVEL: 'silent' };

describe('a service', () => {
  let service: StartedService | undefined;
  let caller: RpcCaller | undefined;
  const started = async (timeoutMs = 500, drainMs = 100) => {
    service = await startService(definition, { env, drainMs });
    caller = new RpcCaller({ name: 'sample', addresses: [{ host: '127.0.0.1', port: service.rpcPort }], timeoutMs });
    return { service, caller };
  };
  afterEach(async () => {
    caller?.close();
    await service?.close();
    service = caller = undefined;
  });

  it('answers health, readiness and metrics', async () => {
    const { service } = await started();
    const get = (path: string) => fetch(`${service.httpUrl}${path}`);
    expect(await (await get('/health/live')).json()).toEqual({ status: 'live' });
    expect(await (await get('/health/ready')).json()).toEqual({ status: 'ready', degraded: [], down: [] });
    expect(await (await get('/metrics')).text()).toContain('http_request_duration_seconds');
  });

  it('answers errors as problem documents that tell nothing of its inside', async () => {
    const { service } = await started();
    const boom = await fetch(`${service.httpUrl}/boom`);
    expect(boom.headers.get('content-type')).toMatch('application/problem+json');
    expect(await boom.json()).toMatchObject({ status: 500, code: 'INTERNAL', title: 'Internal Server Error' });
    const unknown = await fetch(`${service.httpUrl}/no-such-route`);
    expect(await unknown.json()).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  it('answers RPC, its refusals and its own failures', async () => {
    const { caller } = await started();
    expect(await caller.call(double, { value: 21 })).toEqual({ value: 42 });
    await expect(caller.call(refuse, {})).rejects.toMatchObject({ problem: { status: 422, code: 'UNKNOWN_SKU' } });
    await expect(caller.call(crash, {})).rejects.toMatchObject({ problem: { status: 500, code: 'INTERNAL' } });
    await expect(caller.call(crash, {})).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
  });

  it('answers what is no HTTP, no URL, or too much of it, with a problem as well', async () => {
    const { service } = await started();
    const { port, host } = new URL(service.httpUrl);
    const answerTo = (request: string) =>
      new Promise<string>((resolve) => {
        let answer = '';
        const socket = connect(Number(port), '127.0.0.1', () => socket.write(request));
        socket.on('data', (bytes) => (answer += bytes)).on('close', () => resolve(answer));
      });
    const get = (path: string, headers = '') =>
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}\r\n`;
    for (const [request, status, code] of [
      ['hello\r\n\r\n', 400, 'BAD_REQUEST'],
      [get('/%zz'), 400, 'BAD_REQUEST'],
      [get('/', `X-Large: ${'x'.repeat(20_000)}\r\n`), 431, 'HEADERS_TOO_LARGE'],
    ] as const) {
      const [head, body] = (await answerTo(request)).split('\r\n\r\n');
      expect(head).toMatch(`HTTP/1.1 ${status} `);
      expect(head).toMatch(/content-type: application\/problem\+json/i);
      expect(JSON.parse(body!)).toMatchObject({ status, code });
    }
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])(
    'refuses a body of %s: a form of another site can send no more than that',
    async (type) => {
      const { service } = await started();
      const answer = await fetch(`${service.httpUrl}/echo`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: '{}',
      });
      expect(await answer.json()).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
    },
  );

  it('survives garbage on its RPC port, and answers a pattern that it does not know', async () => {
    const { service, caller } = await started();
    for (const garbage of ['hello', '5#xxxxx', '99999999999#{}', '2#{}', '17#{"pattern":"zzz"}', '\0\0#\0']) {
      await new Promise<void>((resolve) => {
        const socket = connect(service.rpcPort, '127.0.0.1', () => socket.end(garbage));
        socket.on('error', () => undefined).on('close', () => resolve());
        socket.resume();
      });
    }
    expect(await caller.call(double, { value: 2 })).toEqual({ value: 4 });
    const unknown = rpc<object, object>().as('no.such.pattern');
    for (let i = 0; i < 10; i += 1) {
      await expect(caller.call(unknown, {})).rejects.toMatchObject({ problem: { status: 503, code: 'UNKNOWN_RPC' } });
    }
    // A caller of a later release does not take the service for one that is away.
    expect(caller.available).toBe(true);
    expect(await caller.call(double, { value: 3 })).toEqual({ value: 6 });
  });

  it('is asked nothing by a caller that gave up before or was closed', async () => {
    const { caller } = await started();
    const unheard: unknown[] = [];
    const listen = (error: unknown) => unheard.push(error);
    process.on('unhandledRejection', listen);
    const away = new RpcCaller({ name: 'away', addresses: [{ host: '127.0.0.1', port: 9 }], timeoutMs: 500 });
    for (const each of [caller, away]) {
      const aborted = each.call(double, { value: 1 }, { signal: AbortSignal.abort() });
      await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', effect: 'none' });
    }
    const late = new AbortController();
    const refusedLater = away.call(double, { value: 1 }, { signal: late.signal });
    late.abort();
    await expect(refusedLater).rejects.toMatchObject({ code: 'ABORTED' });
    await new Promise((resolve) => setTimeout(resolve, 50)); // for rejections that nobody hears to be told
    process.off('unhandledRejection', listen);
    expect(unheard).toEqual([]);
    caller.close();
    away.close();
    await expect(caller.call(double, { value: 1 })).rejects.toMatchObject({ code: 'CLOSED', effect: 'none' });
  });

  it('answers what it has begun before it ends, over HTTP and RPC, and refuses what comes later', async () => {
    const { service, caller } = await started(2000, 2000);
    slowIsFinished = new Promise((resolve) => (finishSlow = resolve));
    await caller.call(double, { value: 1 });
    const begun: unknown[] = [];
    const bothBegun = new Promise<void>((resolve) => {
      reached.slow = () => begun.push(0) === 2 && resolve();
    });
    const overRpc = caller.call(slow, {});
    const overHttp = fetch(`${service.httpUrl}/slow`).then((answer) => answer.json());
    await bothBegun;
    phases.length = 0;
    const closed = service.close();
    await new Promise((resolve) => setTimeout(resolve, 50)); // the end has begun
    expect(phases).toEqual(['work']);
    finishSlow();
    expect(await overHttp).toEqual({ done: true });
    expect(await overRpc).toEqual({ done: true });
    await closed;
    expect(phases).toEqual(['work', 'connections']);
    await expect(caller.call(double, { value: 1 })).rejects.toMatchObject({ code: 'UNAVAILABLE', effect: 'none' });
  });

  it('ends within its time whatever hangs: a handler, or a request that never ends', async () => {
    const { service, caller } = await started(5000, 100);
    const hanging = caller.call(hang, {}).catch((error: unknown) => error);
    const { port } = new URL(service.httpUrl);
    const half = connect(Number(port), '127.0.0.1', () => half.write('POST /echo HTTP/1.1\r\nHost: x\r\n'));
    half.on('error', () => undefined);
    await caller.call(double, { value: 1 });
    const began = performance.now();
    await service.close();
    expect(performance.now() - began).toBeLessThan(2000);
    expect(await hanging).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' });
    half.destroy();
  });

  it('is asked again and again while it hangs, and its caller keeps nothing of that', async () => {
    const { caller } = await started();
    const pending = () =>
      (caller as unknown as { targets: { client: { routingMap: Map<string, unknown> } }[] }).targets[0]!.client
        .routingMap.size;
    for (let i = 0; i < 4; i += 1) await caller.call(hang, {}, { budgetMs: 20 }).catch(() => undefined);
    const ending = new AbortController();
    const aborted = caller.call(hang, {}, { signal: ending.signal });
    ending.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    expect(pending()).toBe(0);
  });

  it('is given up on at the deadline, the effect unknown', async () => {
    const { caller } = await started();
    const fault = await caller.call(hang, {}, { budgetMs: 30 }).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(TimeoutFault);
    expect(fault).toMatchObject({ effect: 'unknown' });
  });

  it('is passed over for another address while it is away, and known to be away after a while', async () => {
    const { service } = await started();
    const free = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as { port: number };
        server.close(() => resolve(port));
      });
    });
    const away = { host: '127.0.0.1', port: free };
    const both = new RpcCaller({
      name: 'both',
      addresses: [away, { host: '127.0.0.1', port: service.rpcPort }],
      timeoutMs: 500,
    });
    for (let i = 0; i < 20; i++) expect(await both.call(double, { value: i })).toEqual({ value: 2 * i });
    both.close();
    const none = new RpcCaller({ name: 'none', addresses: [away], timeoutMs: 500 });
    for (let i = 0; i < 10; i++) {
      const fault = await none.call(double, { value: 1 }).catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(UnavailableFault);
      expect(fault).toMatchObject({ effect: 'none' });
    }
    expect(none.available).toBe(false);
    none.close();
  });

  it('stops its work before its connections', async () => {
    const { service } = await started();
    phases.length = 0;
    await service.close();
    expect(phases).toEqual(['work', 'connections']);
  });

  it('leaves nothing running when its port is taken', async () => {
    const { service } = await started();
    phases.length = 0;
    const port = new URL(service.httpUrl).port;
    const second = startService(definition, { env: { ...env, PORT: port, RPC_PORT: '0' } });
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(phases).toEqual(['work', 'connections']);
    const rpcTaken = startService(definition, { env: { ...env, RPC_PORT: String(service.rpcPort) } });
    await expect(rpcTaken).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
