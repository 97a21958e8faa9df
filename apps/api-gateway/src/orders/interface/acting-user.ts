import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Asker } from '@redstart/messages';
import { isUUID } from 'class-validator';
import type { GatewayRequest } from '../../edge/interface/gateway-request.js';
import { malformed, noSession, wrongRole } from '../../edge/interface/refusals.js';

/** Who the request is for. `actorId`: the administrator who acts for them (`On-Behalf-Of`). */
export interface Acting extends Asker {
  actorId?: string;
}

export function actingUser(request: GatewayRequest): Acting {
  if (!request.identity) throw noSession();
  const { userId, data } = request.identity.session;
  const customer = request.headers['on-behalf-of'];
  if (customer === undefined) return { userId, role: data.role };
  if (data.role !== 'admin') throw wrongRole();
  if (typeof customer !== 'string' || !isUUID(customer)) throw malformed('On-Behalf-Of must be a user id');
  return { userId: customer, role: 'customer', actorId: userId };
}

export const ActingUser = createParamDecorator((_: unknown, context: ExecutionContext) =>
  actingUser(context.switchToHttp().getRequest<GatewayRequest>()),
);
