import type { PlaceOrder as PlaceOrderMessage, RpcProblem } from '@redstart/messages';
import type { Clock } from '@redstart/ports';
import type { User } from '../../users/domain/user.js';
import { draft, MAX_LINES, type Priced } from '../domain/draft.js';
import { UserNotFoundError } from '../../users/application/user-errors.js';
import { orderAnswer } from './order-answer.js';
import { IdempotencyKeyInFlightError, IdempotencyKeyReusedError } from './order-errors.js';
import type { Answer, OrderStore } from './order-store.js';

export interface PlaceOrderParts {
  orders: OrderStore;
  prices: { prices(skus: readonly string[]): Promise<ReadonlyMap<string, Priced>> };
  users: { find(id: string): Promise<User | undefined> };
  clock: Clock;
  currency: string;
  /** Where a test may kill the process. */
  faultPoint: (name: string) => void;
}

/**
 * Prices what is asked for and writes it down. Refusals (unknown sku, quantity out of range …) are stored under the
 * idempotency key like orders: the same key and body get the same answer for 24 hours, also when the catalogue has
 * changed since.
 */
export class PlaceOrder {
  constructor(private readonly parts: PlaceOrderParts) {}

  /** @throws UserNotFoundError, IdempotencyKeyReusedError, IdempotencyKeyInFlightError, BackendFault */
  async run(command: PlaceOrderMessage): Promise<Answer & { replayed: boolean }> {
    const { orders, prices, users, clock, currency, faultPoint } = this.parts;
    const { userId, actorId, idempotencyKey, bodyHash, lines } = command;
    const skus = lines.length <= MAX_LINES ? lines.map(({ sku }) => sku) : [];
    const [customer, catalogue] = await Promise.all([users.find(userId), prices.prices(skus)]);
    if (!customer) throw new UserNotFoundError();
    const drafted = draft(lines, catalogue);
    const placed = await orders.place({
      userId,
      idempotencyKey,
      bodyHash,
      now: clock.now(),
      outcome:
        drafted.status === 'refused'
          ? { refusal: refusal(drafted) }
          : {
              order: {
                customer: { id: customer.id, name: customer.name, email: customer.email },
                ...(actorId !== undefined && actorId !== userId && { placedBy: actorId }),
                lines: drafted.lines,
                total: drafted.total,
                currency,
              },
              answer: (order) => ({ status: 201, body: orderAnswer(order) }),
            },
    });
    if (placed.status === 'key-reused') throw new IdempotencyKeyReusedError();
    if (placed.status === 'in-flight') throw new IdempotencyKeyInFlightError();
    faultPoint('order-service.after-commit-before-reply');
    return { ...placed.answer, replayed: placed.replayed };
  }
}

function refusal({ code, detail, errors }: Pick<RpcProblem, 'code' | 'detail' | 'errors'>): Answer {
  const body: RpcProblem = { status: 422, code, detail, errors };
  return { status: 422, body };
}
