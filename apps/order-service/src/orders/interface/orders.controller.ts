import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { orderStatuses, ordersRpc, type RpcIn, type RpcOut } from '@redstart/messages';
import { checked, RpcHandler } from '@redstart/service-kit';
import { z } from 'zod';
import { asker, fromCursor, pageLimit, text, toCursor } from '../../interface/rpc-input.js';
import { CancelOrder } from '../application/cancel-order.js';
import { orderAnswer } from '../application/order-answer.js';
import { OrderNotFoundError } from '../application/order-errors.js';
import { PlaceOrder } from '../application/place-order.js';
import { ReadOrders } from '../application/read-orders.js';

const place = z.object({
  userId: z.uuid(),
  actorId: z.uuid().optional(),
  idempotencyKey: text(200),
  bodyHash: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'),
  // What is well-formed but not to be had is the domain's to refuse: it is remembered under the key.
  lines: z.array(z.object({ sku: text(100), quantity: z.number() })),
});
const list = z.object({
  asker,
  status: z.enum(orderStatuses).optional(),
  cursor: z.string().optional(),
  limit: pageLimit,
});
const cancel = z.object({ id: z.string(), asker, reason: text(500).optional() });
const one = z.object({ id: z.string(), asker });

@Controller()
export class OrdersController {
  constructor(
    private readonly placeOrder: PlaceOrder,
    private readonly cancelOrder: CancelOrder,
    private readonly readOrders: ReadOrders,
  ) {}

  @RpcHandler(ordersRpc.place)
  place(@Payload() input: RpcIn<typeof ordersRpc.place>): Promise<RpcOut<typeof ordersRpc.place>> {
    return this.placeOrder.run(checked(place, input));
  }

  @RpcHandler(ordersRpc.get)
  async get(@Payload() input: RpcIn<typeof ordersRpc.get>): Promise<RpcOut<typeof ordersRpc.get>> {
    return orderAnswer(await this.readOrders.get(known(checked(one, input))));
  }

  @RpcHandler(ordersRpc.list)
  async list(@Payload() input: RpcIn<typeof ordersRpc.list>): Promise<RpcOut<typeof ordersRpc.list>> {
    const { cursor, ...options } = checked(list, input);
    const page = await this.readOrders.list({ ...options, before: fromCursor(z.uuid(), cursor) });
    return {
      items: page.items.map(orderAnswer),
      ...(page.next !== undefined && { nextCursor: toCursor(page.next) }),
    };
  }

  @RpcHandler(ordersRpc.cancel)
  async cancel(@Payload() input: RpcIn<typeof ordersRpc.cancel>): Promise<RpcOut<typeof ordersRpc.cancel>> {
    return orderAnswer(await this.cancelOrder.run(known(checked(cancel, input))));
  }

  @RpcHandler(ordersRpc.events)
  async events(@Payload() input: RpcIn<typeof ordersRpc.events>): Promise<RpcOut<typeof ordersRpc.events>> {
    const events = await this.readOrders.history(known(checked(one, input)));
    return { items: events.map((event) => ({ ...event, ...reasonOf(event.data) })) };
  }
}

/** What is no id is no order's. */
function known<T extends { id: string }>(input: T): T {
  if (!z.uuid().safeParse(input.id).success) throw new OrderNotFoundError();
  return input;
}

function reasonOf(data: unknown): { reason?: string } {
  const { reason } = (data ?? {}) as { reason?: string };
  return reason === undefined ? {} : { reason };
}
