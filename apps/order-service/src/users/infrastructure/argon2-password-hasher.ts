import { hash, verify } from '@node-rs/argon2';
import { UnavailableFault } from '@redstart/ports';
import { PasswordHasher } from '../application/password-hasher.js';

/** 19 MiB, 2 passes, 1 lane. Source: OWASP Password Storage Cheat Sheet, argon2id. The library's default is argon2id. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export interface HashingLimits {
  /** Hashes at once; each holds a core and 19 MiB. Default 2: libuv's pool of 4 also serves files and DNS. */
  atOnce?: number;
  /** Callers that may wait; one more is refused at once. Default 100. */
  waiting?: number;
}

export class Argon2PasswordHasher extends PasswordHasher {
  private readonly atOnce: number;
  private readonly maxWaiting: number;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(limits: HashingLimits = {}) {
    super();
    this.atOnce = limits.atOnce ?? 2;
    this.maxWaiting = limits.waiting ?? 100;
  }

  hash(password: string): Promise<string> {
    return this.bounded(() => hash(password, COST));
  }

  verify(stored: string, password: string): Promise<boolean> {
    return this.bounded(() => verify(stored, password).catch(() => false));
  }

  private async bounded<R>(work: () => Promise<R>): Promise<R> {
    if (this.running < this.atOnce) this.running += 1;
    else {
      if (this.waiting.length >= this.maxWaiting) {
        throw new UnavailableFault(`${this.maxWaiting} callers already wait`, {
          operation: 'password.hash',
          effect: 'none',
        });
      }
      // Whoever ends hands its turn on, so `running` stays as it is.
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
