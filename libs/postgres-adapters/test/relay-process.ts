// A relay in a process of its own, which stops itself (SIGSTOP) between reading rows and appending them.
// Environment: DATABASE_URL, REDIS_URL. Says 'owns' when it holds all partitions, 'stopping' before it stops, 'resumed'
// with what the late append was answered.
import { type EventStream, SystemClock } from '@redstart/ports';
import { openAdapters } from '@redstart/redis-adapters';
import { openDatabase } from '../src/database/database.js';
import { startOutboxRelay } from '../src/outbox/outbox-relay.js';
import { Outbox } from '../src/outbox/outbox.js';
import { orderStream } from './order-stream.js';

const { DATABASE_URL, REDIS_URL } = process.env as Record<string, string>;
const say = (message: object) => new Promise<void>((resolve) => process.send!(message, () => resolve()));

const database = openDatabase<unknown>({ url: DATABASE_URL!, schema: 'streams_test' });
const { stream } = openAdapters({ url: REDIS_URL!, timeoutMs: 1000, clock: new SystemClock() });

let stopped = false;
const target = new Proxy(stream, {
  get(of, name: keyof EventStream) {
    const method = (of[name] as (...args: unknown[]) => unknown).bind(of);
    if (name !== 'append') return method;
    return async (...args: Parameters<EventStream['append']>) => {
      if (stopped) return method(...args);
      stopped = true;
      await say({ said: 'stopping' });
      process.kill(process.pid, 'SIGSTOP');
      // The signal takes a moment; no turn of the event loop meanwhile, in which it could learn that its lease is lost.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      const [stream, events, { sequenced } = {}] = args;
      // Without the signal, that the relay aborts as soon as it learns: the append is to arrive.
      const answer = await Promise.resolve(method(stream, events, { sequenced })).catch((error: unknown) => ({
        failed: String(error),
      }));
      await say({ said: 'resumed', answer });
      return answer;
    };
  },
});

const relay = startOutboxRelay({
  outbox: new Outbox({ database, stream: orderStream }),
  target,
  leaseMs: 1000,
  onFault: () => undefined,
});
while (relay.owned.size < orderStream.partitions) await new Promise((resolve) => setTimeout(resolve, 20));
await say({ said: 'owns' });
