import { describe, expect, it } from '@jest/globals';
import { faulty, type Faults } from './faulty.js';

class Counter {
  calls = 0;
  #secret = 'kept';
  async add(by: number): Promise<number> {
    this.calls += by;
    return this.calls;
  }
  secret(): string {
    return this.#secret;
  }
}

async function outcomes(faults: Faults, calls = 200): Promise<string[]> {
  const port = faulty(new Counter(), faults);
  const seen: string[] = [];
  for (let i = 0; i < calls; i += 1) {
    seen.push(
      await port.add(1).then(
        () => 'ok',
        (fault: { effect: string }) => fault.effect,
      ),
    );
  }
  return seen;
}

describe('faulty', () => {
  it('passes calls, arguments, properties and private state through', async () => {
    const port = faulty(new Counter(), { methods: ['add'] });
    await expect(port.add(3)).resolves.toBe(3);
    expect(port.calls).toBe(3);
    expect(port.secret()).toBe('kept');
    expect(port).toBeInstanceOf(Counter);
  });

  it('fails before the call, with effect none', async () => {
    const counter = new Counter();
    await expect(faulty(counter, { failRate: 1 }).add(1)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      effect: 'none',
    });
    expect(counter.calls).toBe(0);
  });

  it('loses the reply after the call, with effect unknown', async () => {
    const counter = new Counter();
    await expect(faulty(counter, { loseReplies: 1 }).add(1)).rejects.toMatchObject({ effect: 'unknown' });
    expect(counter.calls).toBe(1);
  });

  it('repeats itself for the same seed, and not for another', async () => {
    const rates = { failRate: 0.3, loseReplies: 0.3 };
    const first = await outcomes({ ...rates, seed: 7 });
    expect(await outcomes({ ...rates, seed: 7 })).toEqual(first);
    expect(await outcomes({ ...rates, seed: 8 })).not.toEqual(first);
  });

  it('keeps to its rates', async () => {
    const seen = await outcomes({ failRate: 0.2, loseReplies: 0.1, seed: 42 }, 2_000);
    const share = (effect: string) => seen.filter((outcome) => outcome === effect).length / seen.length;
    // 4 sigma of a binomial share.
    expect(Math.abs(share('none') - 0.2)).toBeLessThan(0.036);
    expect(Math.abs(share('unknown') - 0.08)).toBeLessThan(0.025);
  });

  it('ends its faults after the number asked for, and begins again when told', async () => {
    const faults: Faults = { loseReplies: 1, atMost: 1 };
    const port = faulty(new Counter(), faults);
    await expect(port.add(1)).rejects.toMatchObject({ effect: 'unknown' });
    await expect(port.add(1)).resolves.toBe(2);
    faults.atMost = 1;
    await expect(port.add(1)).rejects.toMatchObject({ effect: 'unknown' });
  });

  it('lets a real fault of the port through', async () => {
    const port = faulty({ call: async () => Promise.reject(new Error('its own')) }, { loseReplies: 1 });
    await expect(port.call()).rejects.toThrow('its own');
  });

  it('is silent for the budget of a call, and makes it later', async () => {
    const counter = new Counter();
    let resume = () => {};
    const faults: Faults = { silentUntil: new Promise<void>((resolve) => (resume = resolve)), timeoutMs: 10_000 };
    const port = faulty({ add: (by: number, _call: { budgetMs: number }) => counter.add(by) }, faults);
    await expect(port.add(1, { budgetMs: 10 })).rejects.toMatchObject({ code: 'TIMEOUT', effect: 'unknown' });
    expect(counter.calls).toBe(0);
    faults.silentUntil = undefined;
    resume();
    await Promise.resolve();
    await expect(port.add(1, { budgetMs: 10 })).resolves.toBe(2);
  });

  it('refuses what adds when it is full, and nothing else', async () => {
    const port = faulty({ add: async () => 'added', take: async () => 'taken' }, { full: ['add'] });
    await expect(port.add()).rejects.toMatchObject({ code: 'FULL', effect: 'none' });
    await expect(port.take()).resolves.toBe('taken');
  });

  it('waits before each call', async () => {
    const startedMs = performance.now();
    await faulty(new Counter(), { delayMs: 20 }).add(1);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(19);
  });
});
