import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SystemClock, TimeoutFault, type Call } from '@redstart/ports';
import { bodyHash } from '@redstart/postgres-adapters';
import { randomUUID } from 'node:crypto';
import { openUnderTest, type UnderTest } from '../composition/platform-under-test.js';
import { PaymentGateway, type Charge } from '../payments/application/payment-gateway.js';
import { ProcessOrder } from './application/process-order.js';
import { cancel, confirm, reject } from './domain/order.js';

/** A provider behind a line that a test can hold up, or on which replies are lost. */
class LinePayments extends PaymentGateway {
  charges: string[] = [];
  loseReplies = 0;
  beforeCharge: () => Promise<unknown> = () => Promise.resolve();
  afterCharge: () => Promise<unknown> = () => Promise.resolve();

  constructor(private readonly provider: PaymentGateway) {
    super();
  }

  async charge(charge: Charge, call?: Call) {
    this.charges.push(charge.key);
    await this.beforeCharge();
    const answer = await this.provider.charge(charge, call);
    await this.afterCharge();
    if (this.loseReplies > 0) {
      this.loseReplies -= 1;
      throw new TimeoutFault('the reply was lost', { operation: 'payments.charge', effect: 'unknown' });
    }
    return answer;
  }

  reverse(key: string, call?: Call) {
    return this.provider.reverse(key, call);
  }
}

let test: UnderTest;
let line: LinePayments;
beforeAll(async () => {
  test = await openUnderTest({ aroundPayments: (provider) => (line = new LinePayments(provider)) });
});
afterAll(() => test.close());
beforeEach(() => {
  line.charges = [];
  line.loseReplies = 0;
  line.beforeCharge = line.afterCharge = () => Promise.resolve();
});

const never = new AbortController().signal;
const now = () => Date.now();
const order = (id: string) => test.platform.orderStore.find(id);
const ledger = () => test.platform.simulator.summary();
/** What the queue's worker does with the order's task; no worker runs here but in these tests. */
const process = (id: string) => test.platform.processOrder.run(id, never);

async function placed(options: { stock?: number; price?: number } = {}) {
  const user = await test.customer();
  const sku = await test.product({ stock: options.stock ?? 5, price: options.price ?? 100 });
  const id = await test.place(user, [{ sku, quantity: 1 }]);
  return { id, user, sku, asker: { userId: user.id, role: 'customer' as const } };
}

describe('a worker that is taken over', () => {
  it('has charged, and its reply was lost: the next one repeats the key and nobody pays twice', async () => {
    const { id, sku } = await placed();
    const before = await ledger();
    line.loseReplies = 1;
    await expect(process(id)).rejects.toMatchObject({ code: 'TIMEOUT', effect: 'unknown' });
    expect(await order(id)).toMatchObject({ status: 'placed', reserved: true, payment: { number: 1, state: 'asked' } });
    expect(await process(id)).toBe('done');
    expect(await order(id)).toMatchObject({ status: 'confirmed', payment: { state: 'charged' } });
    expect(line.charges).toEqual([`${id}:1`, `${id}:1`]);
    expect((await ledger()).charges - before.charges).toBe(1);
    expect(await test.stock(sku)).toBe(4);
  });

  it('was paused in the middle of its charge: its write is refused, the later one confirms once', async () => {
    const { id, sku } = await placed();
    const before = await ledger();
    // Two services whose locks do not know of each other: what a lease that ran out during a pause amounts to.
    const other = await openOther();
    line.afterCharge = async () => {
      line.afterCharge = () => Promise.resolve();
      expect(await other.run(id, never)).toBe('done');
    };
    expect(await process(id)).toBe('done');
    expect(await order(id)).toMatchObject({ status: 'confirmed', sequence: 2 });
    expect((await ledger()).charges - before.charges).toBe(1);
    expect(await test.stock(sku)).toBe(4);
  });

  it('writes nothing with a stale fence: neither a claim, nor a reservation, nor a move', async () => {
    const { id, sku } = await placed();
    const { orderStore } = test.platform;
    expect(await orderStore.claim(id, 7)).toBe('claimed');
    expect(await orderStore.reserve(id, { fence: 7, now: now() })).toMatchObject({ status: 'reserved' });
    expect(await orderStore.claim(id, 9)).toBe('claimed');
    expect(await orderStore.claim(id, 8)).toBe('stale');
    expect(await orderStore.reserve(id, { fence: 7, now: now() })).toEqual({ status: 'lost' });
    expect(await orderStore.move(id, { fence: 7, now: now() }, confirm)).toMatchObject({ status: 'refused' });
    expect(await orderStore.move(id, { fence: 9, now: now() }, confirm)).toMatchObject({ status: 'moved' });
    expect(await test.stock(sku)).toBe(4);
  });

  /** Another process's worker, with a memory backend, so locks, of its own. */
  async function openOther(): Promise<ProcessOrder> {
    const { MemoryBackend } = await import('@redstart/memory-adapters');
    const clock = new SystemClock();
    const { lock } = new MemoryBackend().open({ timeoutMs: 500, clock });
    const { workerOrders: orders, payments, reversePayment } = test.platform;
    return new ProcessOrder({ orders, payments, reversePayment, lock, clock, faultPoint: () => undefined });
  }
});

describe('a customer who cancels while a worker is at it', () => {
  it.each(['beforeCharge', 'afterCharge'] as const)('wins (%s): no goods gone, no money kept', async (moment) => {
    const { id, sku, asker } = await placed();
    const before = await ledger();
    line[moment] = async () => {
      line[moment] = () => Promise.resolve();
      expect((await test.platform.cancelOrder.run({ id, asker })).status).toBe('cancelled');
    };
    expect(await process(id)).toBe('done');
    expect(await order(id)).toMatchObject({ status: 'cancelled', sequence: 2, reserved: false });
    expect(['refunded', 'voided']).toContain((await order(id))?.payment?.state);
    const after = await ledger();
    expect(after.charged - before.charged).toBe(after.refunded - before.refunded);
    expect(await test.stock(sku)).toBe(5);
  });

  it('voids a charge that has not reached the provider: it never can any more', async () => {
    const { id, asker } = await placed();
    const before = await ledger();
    line.beforeCharge = async () => {
      line.beforeCharge = () => Promise.resolve();
      await test.platform.cancelOrder.run({ id, asker });
      expect(await test.platform.reversePayment.run(id)).toBe('settled');
    };
    expect(await process(id)).toBe('done');
    expect(await order(id)).toMatchObject({ status: 'cancelled', payment: { state: 'voided' } });
    expect(await ledger()).toEqual(before);
  });

  it('races the confirmation: whoever is first, books and stock agree', async () => {
    for (let round = 0; round < 20; round++) {
      const { id, sku, asker } = await placed();
      const before = await ledger();
      await Promise.all([process(id), test.platform.cancelOrder.run({ id, asker })]);
      await test.platform.reversePayment.run(id);
      expect(await order(id)).toMatchObject({ status: 'cancelled', reserved: false });
      const after = await ledger();
      expect(after.charged - before.charged).toBe(after.refunded - before.refunded);
      expect(await test.stock(sku)).toBe(5);
      const sequences = (await test.platform.orderStore.history(id)).length;
      expect((await order(id))?.sequence).toBe(sequences);
    }
  }, 30_000);

  it('cancels once: the second time answers the same order and moves nothing', async () => {
    const { id, sku, asker } = await placed();
    await process(id);
    const [first, second] = await Promise.all([
      test.platform.cancelOrder.run({ id, asker }),
      test.platform.cancelOrder.run({ id, asker }),
    ]);
    expect([first.status, second.status, first.sequence, second.sequence]).toEqual(['cancelled', 'cancelled', 3, 3]);
    expect(await test.stock(sku)).toBe(5);
  });

  it('cannot cancel a rejected order, nor another customer their order', async () => {
    const { id, asker } = await placed({ stock: 0 });
    await process(id);
    await expect(test.platform.cancelOrder.run({ id, asker })).rejects.toMatchObject({ code: 'ORDER_NOT_CANCELLABLE' });
    const stranger = { userId: randomUUID(), role: 'customer' as const };
    await expect(test.platform.cancelOrder.run({ id, asker: stranger })).rejects.toMatchObject({
      code: 'ORDER_NOT_FOUND',
    });
    await expect(test.platform.readOrders.get({ id, asker: stranger })).rejects.toMatchObject({
      code: 'ORDER_NOT_FOUND',
    });
    expect(await test.platform.readOrders.get({ id, asker: { ...stranger, role: 'admin' } })).toMatchObject({ id });
  });
});

describe('the ledger', () => {
  it('charges a key once and pays it back once', async () => {
    const charge = { key: randomUUID(), amount: 100, currency: 'GBP' };
    const before = await ledger();
    const { simulator } = test.platform;
    expect(await Promise.all([1, 2, 3].map(() => simulator.charge(charge)))).toEqual(Array(3).fill('charged'));
    expect(await Promise.all([1, 2, 3].map(() => simulator.reverse(charge.key)))).toEqual(Array(3).fill('refunded'));
    const after = await ledger();
    expect([after.charges - before.charges, after.refunds - before.refunds]).toEqual([1, 1]);
  });

  it('pays nothing back for what was refused or never charged', async () => {
    const { simulator } = test.platform;
    const before = await ledger();
    const dear = { key: randomUUID(), amount: 100_000_001, currency: 'GBP' };
    expect(await simulator.charge(dear)).toBe('refused');
    expect(await simulator.reverse(dear.key)).toBe('voided');
    expect(await simulator.charge(dear)).toBe('refused');
    const unheard = randomUUID();
    expect(await simulator.reverse(unheard)).toBe('voided');
    expect(await simulator.charge({ ...dear, key: unheard, amount: 1 })).toBe('voided');
    expect(await ledger()).toEqual(before);
  });
});

describe('placing with one idempotency key', () => {
  const request = (userId: string, lines: { sku: string; quantity: number }[], idempotencyKey: string) => ({
    userId,
    idempotencyKey,
    bodyHash: bodyHash({ lines }),
    lines,
  });

  it('makes one order of 20 requests at once, and answers all of them with it', async () => {
    const user = await test.customer();
    const lines = [{ sku: await test.product({ stock: 5 }), quantity: 1 }];
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => test.platform.placeOrder.run(request(user.id, lines, key))),
    );
    expect(new Set(answers.map(({ body }) => (body as { id: string }).id)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    expect(await test.platform.orderStore.list({ userId: user.id, limit: 10 })).toHaveLength(1);
  });

  it('remembers a refusal, also when the product has come since', async () => {
    const user = await test.customer();
    const sku = randomUUID();
    const lines = [{ sku, quantity: 1 }];
    const key = randomUUID();
    const refused = await test.platform.placeOrder.run(request(user.id, lines, key));
    expect(refused).toMatchObject({ status: 422, replayed: false, body: { code: 'UNKNOWN_SKU' } });
    await test.platform.catalogue.put({ sku, name: 'Late', price: 1, currency: 'GBP', stock: 1 });
    expect(await test.platform.placeOrder.run(request(user.id, lines, key))).toEqual({ ...refused, replayed: true });
    expect(await test.platform.placeOrder.run(request(user.id, lines, randomUUID()))).toMatchObject({ status: 201 });
  });

  it('refuses another body, and keeps users apart', async () => {
    const [one, other] = [await test.customer(), await test.customer()];
    const sku = await test.product({ stock: 5 });
    const key = randomUUID();
    await test.platform.placeOrder.run(request(one.id, [{ sku, quantity: 1 }], key));
    await expect(test.platform.placeOrder.run(request(one.id, [{ sku, quantity: 2 }], key))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    expect(await test.platform.placeOrder.run(request(other.id, [{ sku, quantity: 2 }], key))).toMatchObject({
      status: 201,
      replayed: false,
    });
  });

  it('records the administrator who placed it on the customer’s behalf', async () => {
    const user = await test.customer();
    const lines = [{ sku: await test.product({ stock: 5 }), quantity: 1 }];
    const actorId = randomUUID();
    const { body } = await test.platform.placeOrder.run({ ...request(user.id, lines, randomUUID()), actorId });
    expect(body).toMatchObject({ userId: user.id, placedBy: actorId });
  });

  it('refuses a customer whom nobody knows', async () => {
    const lines = [{ sku: await test.product({ stock: 5 }), quantity: 1 }];
    await expect(test.platform.placeOrder.run(request(randomUUID(), lines, 'k'))).rejects.toMatchObject({
      code: 'USER_NOT_FOUND',
    });
  });
});

describe('an order that moved in a transaction that was rolled back', () => {
  it('has not moved: neither state, nor stock, nor history', async () => {
    const { id, sku } = await placed();
    await process(id);
    await expect(
      test.platform.workerShare.unitOfWork.run(async (tx) => {
        const moved = await test.platform.workerOrders.move(id, { now: now(), tx }, (current) => {
          const move = cancel(current, 'X');
          return typeof move === 'string' ? undefined : move;
        });
        expect(moved.status).toBe('moved');
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await order(id)).toMatchObject({ status: 'confirmed', sequence: 2, reserved: true });
    expect(await test.stock(sku)).toBe(4);
    expect(await test.platform.orderStore.history(id)).toHaveLength(2);
  });

  it('is rejected once by two reconcilers at once', async () => {
    const { id } = await placed();
    const reject_ = () => test.platform.workerOrders.move(id, { now: now() }, (o) => reject(o, 'TIMED_OUT'));
    const outcomes = await Promise.all([reject_(), reject_()]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['moved', 'refused']);
  });
});
