import { AbortedFault, type BackendFault, FullFault, TimeoutFault, UnavailableFault } from '../call/backend-fault.js';
import { type Call } from '../call/call.js';

/** Rates are 0 (never) to 1 (always). Read at every call: a test may change them while it runs. */
export interface Faults {
  /** Waits so long before each call. */
  delayMs?: number;
  /** Share of calls that fail before they are made: `UnavailableFault` with effect `none`. */
  failRate?: number;
  /** Share of calls that are made and whose reply is lost: `UnavailableFault` with effect `unknown`. */
  loseReplies?: number;
  /** The same seed and the same calls give the same faults. Default 1. */
  seed?: number;
  /** Failures and lost replies still to come; counted down, at 0 there are no more. Default: no end. */
  atMost?: number;
  /**
   * As a paused server: every call ends by its own budget (or `timeoutMs`, default 1000) with a `TimeoutFault`, and is
   * made, with nobody listening, once this has resolved.
   */
  silentUntil?: Promise<unknown> | undefined;
  timeoutMs?: number;
  /** Methods refused with a `FullFault`, as those that add work are by a server without memory. */
  full?: readonly string[];
  /** Which methods are faulty. Default: all; name them where a port also has methods that answer no promise. */
  methods?: readonly string[];
}

/**
 * The port as it behaves over a bad network. Wraps any object whose methods answer promises; whatever is not a method
 * passes through.
 */
export function faulty<P extends object>(port: P, faults: Faults): P {
  const random = mulberry32(faults.seed ?? 1);

  const draw = (rate: number | undefined): boolean => {
    // Always drawn, so that changing one rate does not shift the faults of the other.
    const hit = random() < (rate ?? 0) && (faults.atMost ?? 1) > 0;
    if (hit && faults.atMost !== undefined) faults.atMost -= 1;
    return hit;
  };

  return new Proxy(port, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      const method = String(property);
      if (typeof property === 'symbol' || (faults.methods && !faults.methods.includes(method))) {
        return member.bind(target) as unknown;
      }
      const operation = `faulty.${method}`;
      return async (...args: unknown[]): Promise<unknown> => {
        const fails = draw(faults.failRate);
        const loses = draw(faults.loseReplies);
        if (faults.delayMs) await new Promise((resolve) => setTimeout(resolve, faults.delayMs));
        if (fails) throw new UnavailableFault('made to fail before it was sent', { effect: 'none', operation });
        if (faults.full?.includes(method)) throw new FullFault('made to be full', { effect: 'none', operation });
        if (faults.silentUntil) {
          const late = () => Promise.resolve(member.apply(target, args)).catch(() => undefined);
          void faults.silentUntil.then(late, late);
          throw await outwaited(args, faults.timeoutMs ?? 1_000, operation);
        }
        const reply = (await member.apply(target, args)) as unknown;
        if (loses) throw new UnavailableFault('made to lose its reply', { effect: 'unknown', operation });
        return reply;
      };
    },
  });
}

/** How a call ends that gets no answer: by its budget, or by its signal. */
async function outwaited(args: readonly unknown[], timeoutMs: number, operation: string): Promise<BackendFault> {
  const call = callOf(args);
  const aborted = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), call.budgetMs ?? timeoutMs);
    const onAbort = () => {
      clearTimeout(timer);
      resolve(true);
    };
    call.signal?.addEventListener('abort', onAbort, { once: true });
    if (call.signal?.aborted) onAbort();
  });
  return aborted
    ? new AbortedFault('aborted', { effect: 'unknown', operation, cause: call.signal?.reason })
    : new TimeoutFault('made to be silent', { effect: 'unknown', operation });
}

/** By every port's convention the last argument is, or extends, a `Call`. */
function callOf(args: readonly unknown[]): Call {
  const last = args.at(-1);
  return typeof last === 'object' && last !== null && !Array.isArray(last) ? last : {};
}

/** Source: mulberry32 by T. Ettinger, public domain; small, and good enough to spread faults. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
