import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { usersRpc, type RpcIn, type RpcOut } from '@redstart/messages';
import { checked, RpcHandler } from '@redstart/service-kit';
import { z } from 'zod';
import { text } from '../../interface/rpc-input.js';
import { UserNotFoundError } from '../application/user-errors.js';
import { Users } from '../application/users.js';

const email = text(254);
const password = z.string().min(1).max(1024);
const create = z.object({ email, password, name: text(200) });
const update = z.object({ id: z.uuid(), ...create.partial().shape });
const authenticate = z.object({ email, password });

@Controller()
export class UsersController {
  constructor(private readonly users: Users) {}

  @RpcHandler(usersRpc.create)
  create(@Payload() input: RpcIn<typeof usersRpc.create>): Promise<RpcOut<typeof usersRpc.create>> {
    return this.users.create(checked(create, input));
  }

  @RpcHandler(usersRpc.get)
  async get(@Payload() input: RpcIn<typeof usersRpc.get>): Promise<RpcOut<typeof usersRpc.get>> {
    // What is no id is nobody's.
    if (!z.uuid().safeParse(input.id).success) throw new UserNotFoundError();
    const { value, from } = await this.users.get(input.id);
    return { user: value, from };
  }

  @RpcHandler(usersRpc.findByEmail)
  findByEmail(@Payload() input: RpcIn<typeof usersRpc.findByEmail>): Promise<RpcOut<typeof usersRpc.findByEmail>> {
    return this.users.findByEmail(checked(email, input.email));
  }

  @RpcHandler(usersRpc.update)
  update(@Payload() input: RpcIn<typeof usersRpc.update>): Promise<RpcOut<typeof usersRpc.update>> {
    const { id, ...change } = checked(update, input);
    return this.users.update(id, change);
  }

  @RpcHandler(usersRpc.authenticate)
  authenticate(@Payload() input: RpcIn<typeof usersRpc.authenticate>): Promise<RpcOut<typeof usersRpc.authenticate>> {
    return this.users.authenticate(checked(authenticate, input));
  }
}
