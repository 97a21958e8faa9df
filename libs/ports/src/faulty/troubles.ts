import { type Faults } from './faulty.js';

/** Takes a trouble back. */
export type Restore = () => Promise<void>;

/**
 * What a contract suite does to a backend, besides using it. On a real server it is the real thing (a proxy that cuts,
 * a process that is stopped, a memory limit); in memory it is played by `simulatedTroubles` over `faulty`. The troubles
 * befall the handle under test, `silence` and `fill` possibly others too.
 */
export interface Troubles {
  /** Lets time pass, for leases and windows too: a moved clock, or real time where the server's cannot be moved. */
  advance(ms: number): Promise<void>;
  /** The next call of the handle under test is executed and its reply lost. */
  cutNextReply(): Promise<void>;
  /** Accepts calls and does not answer. */
  silence(): Promise<Restore>;
  /** Out of memory: refuses what adds work. */
  fill(): Promise<Restore>;
}

/** Troubles of a backend that has none: wrap the handle under test in `faulty(port, faults)`. `adds`: what `fill` refuses. */
export function simulatedTroubles(options: {
  advance: (ms: number) => Promise<void>;
  adds: readonly string[];
}): Troubles & { readonly faults: Faults } {
  const faults: Faults = {};
  return {
    faults,
    advance: options.advance,
    async cutNextReply() {
      Object.assign(faults, { loseReplies: 1, atMost: 1 });
    },
    async silence() {
      let resume: (() => void) | undefined;
      faults.silentUntil = new Promise<void>((resolve) => (resume = resolve));
      return async () => {
        faults.silentUntil = undefined;
        resume?.();
      };
    },
    async fill() {
      faults.full = options.adds;
      return async () => {
        faults.full = [];
      };
    },
  };
}
