import { Controller, Module, type DynamicModule } from '@nestjs/common';
import {
  catalogueRpc,
  ordersRpc,
  sessionsRpc,
  usersRpc,
  type Order,
  type RpcIn,
  type RpcOut,
  type SessionRecordMessage,
  type User,
} from '@redstart/messages';
import { commonSettings, RpcHandler, RpcProblemError, type ServiceDefinition } from '@redstart/service-kit';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';

const users = new Map<string, User & { password: string }>();
const records = new Map<string, SessionRecordMessage>();
const answers = new Map<string, RpcOut<typeof ordersRpc.place>>();

@Controller()
class StandInController {
  @RpcHandler(usersRpc.create)
  create({ email, password, name }: RpcIn<typeof usersRpc.create>): User {
    const user = {
      id: randomUUID(),
      email,
      name,
      role: email.startsWith('admin-') ? ('admin' as const) : ('customer' as const),
    };
    users.set(user.id, { ...user, password });
    return user;
  }

  @RpcHandler(usersRpc.authenticate)
  authenticate({ email, password }: RpcIn<typeof usersRpc.authenticate>): User {
    const user = [...users.values()].find((each) => each.email === email && each.password === password);
    if (!user) throw new RpcProblemError({ status: 401, code: 'INVALID_CREDENTIALS', detail: 'wrong' });
    return { id: user.id, email, name: user.name, role: user.role };
  }

  @RpcHandler(usersRpc.get)
  get({ id }: RpcIn<typeof usersRpc.get>): RpcOut<typeof usersRpc.get> {
    const { password: _password, ...user } = users.get(id)!;
    return { user, from: 'miss' };
  }

  @RpcHandler(usersRpc.update)
  update({ id, ...change }: RpcIn<typeof usersRpc.update>): User {
    users.set(id, { ...users.get(id)!, ...change });
    return this.get({ id }).user;
  }

  @RpcHandler(sessionsRpc.save)
  save(record: SessionRecordMessage): { saved: true } {
    records.set(record.tokenHash, record);
    return { saved: true };
  }

  @RpcHandler(sessionsRpc.find)
  find({ tokenHash }: RpcIn<typeof sessionsRpc.find>): RpcOut<typeof sessionsRpc.find> {
    return { record: records.get(tokenHash) ?? null };
  }

  @RpcHandler(sessionsRpc.revoke)
  revoke({ tokenHash }: RpcIn<typeof sessionsRpc.revoke>): RpcOut<typeof sessionsRpc.revoke> {
    return { status: records.delete(tokenHash) ? 'revoked' : 'none' };
  }

  @RpcHandler(sessionsRpc.revokeAll)
  revokeAll({ userId }: RpcIn<typeof sessionsRpc.revokeAll>): RpcOut<typeof sessionsRpc.revokeAll> {
    const own = [...records.values()].filter((record) => record.userId === userId);
    for (const { tokenHash } of own) records.delete(tokenHash);
    return { revoked: own.length };
  }

  @RpcHandler(catalogueRpc.get)
  product({ sku }: RpcIn<typeof catalogueRpc.get>): RpcOut<typeof catalogueRpc.get> {
    return { product: { sku, name: 'A product', price: { amount: 1, currency: 'GBP' }, stock: 1 }, from: 'hit' };
  }

  @RpcHandler(catalogueRpc.put)
  put(product: RpcIn<typeof catalogueRpc.put>): RpcOut<typeof catalogueRpc.put> {
    return { product, created: true };
  }

  @RpcHandler(ordersRpc.list)
  orders(): RpcOut<typeof ordersRpc.list> {
    return { items: [] };
  }

  @RpcHandler(ordersRpc.cancel)
  cancel({ id, asker }: RpcIn<typeof ordersRpc.cancel>): Order {
    return { id, userId: asker.userId, status: 'cancelled' } as Order;
  }

  @RpcHandler(ordersRpc.place)
  place({ idempotencyKey, userId, lines }: RpcIn<typeof ordersRpc.place>): RpcOut<typeof ordersRpc.place> {
    const stored = answers.get(idempotencyKey);
    if (stored) return { ...stored, replayed: true };
    const refused = lines.some(({ sku }) => sku === 'NO-SUCH');
    const body = refused
      ? { status: 422, code: 'UNKNOWN_SKU', detail: 'there is no such product' }
      : ({ id: randomUUID(), userId, status: 'placed' } as Partial<Order>);
    const answer = { status: refused ? 422 : 201, body, replayed: false };
    answers.set(idempotencyKey, answer);
    return answer;
  }
}

@Module({})
class StandInModule {}

const settings = z.object(commonSettings({ port: 0 }));

/** As much of order-service as the gateway's own tests need, over real RPC. Tests only. */
export const orderServiceStandIn: ServiceDefinition<typeof settings> = {
  name: 'order-service-stand-in',
  settings,
  rpc: true,
  module: (): DynamicModule => ({ module: StandInModule, controllers: [StandInController] }),
};
