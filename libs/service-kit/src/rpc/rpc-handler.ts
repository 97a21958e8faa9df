import { MessagePattern } from '@nestjs/microservices';
import type { Rpc, RpcIn, RpcOut } from '@redstart/messages';

type Handler<R> = (input: RpcIn<R>, ...rest: never[]) => Promise<RpcOut<R>> | RpcOut<R>;

/** `@MessagePattern` whose method must take what the request carries and answer what it promises. */
export function RpcHandler<R extends Rpc<string, unknown, unknown>>(definition: R) {
  const decorate = MessagePattern(definition.pattern);
  return <H extends Handler<R>>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<H>): void => {
    decorate(target, key, descriptor);
  };
}
